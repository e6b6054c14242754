/// Reads the pages behind the metas, in order, and keeps the facts that `TreeWalk` judges.
struct PageInspection {
  let meta: MetaPage
  private var table: PageTable
  private var lists = ChildLists()
  private var openNodes = OpenNodes()
  private var freelist: FreelistReader?
  private let fingerprints = Fingerprints()
  private var findings: Findings
  /// In any page, also in one that is free by now.
  private var holdsEncryptedValues = false
  /// Bytes that may be held beyond sixteen a page.
  private let extraLimit: Int

  init(_ meta: MetaPage) {
    self.meta = meta
    let pageCount = Int(meta.highWaterMark)
    table = PageTable(pageCount: pageCount)
    findings = Findings(pageCount: pageCount)
    extraLimit = pageCount * 8 + 1 << 20
    if meta.freelist != MetaPage.noFreelist {
      freelist = FreelistReader(page: UInt32(meta.freelist), pageCount: meta.highWaterMark)
    }
    table.append(PageFact(Defect(.flags)))  // the metas: no page may name them
    table.append(PageFact(Defect(.flags)))
  }

  /// Takes the next page.
  mutating func take(_ page: RawSpan) throws(BoltError) {
    let number = UInt32(table.count)
    if freelist?.covers(number) == true {
      do {
        try freelist?.read(page, page: number)
      } catch {
        throw .unsound(page: UInt64(number), bucket: nil, error)
      }
    }
    while var node = openNodes.next(waitingFor: number) {
      if node.gather(from: page, page: number) {
        table.complete(node.page, fact(of: node))
      } else {
        openNodes.insert(node)
      }
      // After each: a page may hold keys of thousands of nodes, if they are made up.
      try checkMemory(at: number)
    }
    readNode(at: number, page)
    try checkMemory(at: number)
  }

  private func checkMemory(at page: UInt32) throws(BoltError) {
    guard extraByteCount <= extraLimit else {
      throw .memoryLimitExceeded(page: UInt64(page), limit: extraLimit)
    }
  }

  /// Judges what has passed, which must be all pages.
  func judge() throws(BoltError) -> DatabaseReport {
    var walk = TreeWalk(
      meta: meta, table: table, lists: lists, fingerprints: fingerprints, findings: findings)
    var report = try walk.report(freelist: freelist)
    report.holdsEncryptedValues = holdsEncryptedValues
    return report
  }

  /// Memory held, in bytes.
  var heldByteCount: Int { table.count * 16 + extraByteCount }

  private var extraByteCount: Int {
    table.extraByteCount + lists.byteCount + openNodes.byteCount + findings.byteCount
  }

  /// Reads the node that begins at page `number`, if one does, and adds the page's fact.
  private mutating func readNode(at number: UInt32, _ page: RawSpan) {
    let header = NodeHeader(page)
    let isLeaf = header.flags == NodeHeader.leafFlag
    guard header.id == UInt64(number) else { return table.append(PageFact(Defect(.noNode))) }
    guard isLeaf || header.flags == NodeHeader.branchFlag else {
      return table.append(PageFact(Defect(.flags)))
    }
    guard UInt64(header.overflow) < meta.highWaterMark - UInt64(number) else {
      return table.append(PageFact(Defect(.reachesBeyondDatabase)))
    }
    guard header.dataOffset <= page.byteCount else {
      return table.append(PageFact(Defect(.tooManyElements)))
    }
    guard header.overflow == 0 else {
      do {
        var node = try OpenNode(page: number, first: page, header)
        if node.gather(from: page, page: number) {
          // Appended first, so that `complete` is the one way a long node's fact comes to be.
          table.append(incomplete(header), overflow: header.overflow)
          table.complete(number, fact(of: node))
        } else {
          table.append(incomplete(header), overflow: header.overflow)
          openNodes.insert(node)
        }
      } catch {
        table.append(PageFact(error))
      }
      return
    }
    do {
      table.append(
        isLeaf ? try leaf(number, header, page) : try branch(header, page))
    } catch {
      table.append(PageFact(error))
    }
  }

  private func incomplete(_ header: NodeHeader) -> PageFact {
    PageFact(.incomplete, count: header.count, overflow: header.overflow)
  }

  // MARK: Nodes of one page

  private mutating func leaf(
    _ number: UInt32, _ header: NodeHeader, _ page: RawSpan
  ) throws(Defect) -> PageFact {
    var reader = LeafReader()
    _ = try reader.readPage(page, header)
    return try fact(of: reader, number, header, page)
  }

  private mutating func branch(
    _ header: NodeHeader, _ page: RawSpan
  ) throws(Defect) -> PageFact {
    var reader = BranchReader(pageCount: meta.highWaterMark, fingerprints: fingerprints)
    _ = try reader.readPage(page, header)
    return try fact(of: reader, header)
  }

  // MARK: Facts

  /// The fact of a node of several pages, all of whose keys have passed.
  private mutating func fact(of node: OpenNode) -> PageFact {
    do {
      if node.header.flags == NodeHeader.leafFlag {
        if node.holdsEncryptedValue { holdsEncryptedValues = true }
        var reader = LeafReader()
        try node.forEachElement { element, index, bytes, key, available, fits throws(Defect) in
          try reader.take(
            element, index: index, in: bytes, key: key, value: key + element.keySize,
            available: available, valueFits: fits)
        }
        return try node.withGathered { bytes throws(Defect) in
          try fact(of: reader, node.page, node.header, bytes)
        }
      }
      var reader = BranchReader(pageCount: meta.highWaterMark, fingerprints: fingerprints)
      try node.forEachElement { element, index, bytes, key, _, _ throws(Defect) in
        try reader.take(element, index: index, in: bytes, key: key)
      }
      return try fact(of: reader, node.header)
    } catch {
      return PageFact(error)
    }
  }

  private mutating func fact(
    of reader: LeafReader, _ number: UInt32, _ header: NodeHeader, _ bytes: RawSpan
  ) throws(Defect) -> PageFact {
    if reader.holdsEncryptedValue { holdsEncryptedValues = true }
    findings.add(reader.findings, page: number, isRoot: UInt64(number) == meta.root)
    guard reader.buckets.isEmpty else {
      return try leafWithBuckets(reader, header, bytes)
    }
    return table.leaf(
      count: header.count, overflow: header.overflow,
      first: reader.first.map { table.names.key(bytes, at: $0.at, count: $0.count) },
      last: reader.first.map { _ in
        table.names.key(bytes, at: reader.last.at, count: reader.last.count)
      },
      holdsOnlyRevisions: reader.holdsOnlyRevisions)
  }

  private mutating func leafWithBuckets(
    _ reader: LeafReader, _ header: NodeHeader, _ bytes: RawSpan
  ) throws(Defect) -> PageFact {
    func name(_ place: LeafReader.Place) -> UInt32 {
      table.names.number(of: bytes.array(at: place.at, count: place.count))
    }
    var outline = BucketOutline(
      firstKey: name(reader.first ?? reader.last), lastKey: name(reader.last))
    var roots: [UInt32] = []
    for bucket in reader.buckets {
      outline.buckets.append(BucketOutline.Bucket(name: name(bucket.name), inline: bucket.inline))
      guard bucket.inline == nil else { continue }
      guard bucket.root < meta.highWaterMark else {
        throw Defect(.bucket, element: bucket.index, other: bucket.root)
      }
      roots.append(UInt32(bucket.root))
    }
    return table.leafWithBuckets(
      outline, roots: roots, count: header.count, overflow: header.overflow)
  }

  private mutating func fact(
    of reader: BranchReader, _ header: NodeHeader
  ) throws(Defect) -> PageFact {
    guard let firstKey = reader.keys.first else { throw Defect(.empty) }
    var areLeaves: Bool?
    for (index, child) in reader.children.enumerated() where Int(child) < table.count {
      let kind = table[child].kind
      guard kind != .incomplete else { continue }
      guard kind == .branch || agrees(child, firstKey: reader.keys[index]) else {
        throw Defect(.childDisagrees, element: index, other: UInt64(child))
      }
      guard areLeaves != (kind == .branch) else { throw Defect(.unevenChildren) }
      areLeaves = kind != .branch
    }
    var fact = PageFact(.branch, count: header.count, overflow: header.overflow)
    fact.long = reader.fingerprint
    fact.third = lists.store(reader.children, firstKey: firstKey)
    return fact
  }

  /// Whether the first key of a leaf has this fingerprint; `false` for a page that is no node.
  ///
  /// The first key of a branch is that of a leaf below it, which is left for the end.
  private func agrees(_ leaf: UInt32, firstKey: UInt64) -> Bool {
    table.firstKey(of: leaf).map { fingerprints.key($0, table.names) } == firstKey
  }
}
