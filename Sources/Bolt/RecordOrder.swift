/// Goes through all records of a database in the order of their keys, for what depends on it.
///
/// The database was found sound before; this guards only against a file that changes meanwhile.
struct RecordOrder {
  private let meta: MetaPage
  /// What `snapshot status` calls hash: over each top-level bucket's name, then its keys and values.
  private(set) var hash = CRC32C()
  /// Users' keys whose newest revision is no tombstone, each by 128 bits of hash: there may be as many as
  /// fill the database, and none two are alike in so many bits.
  private var liveKeys: Set<UInt128> = []
  /// How many of the users' keys live.
  var liveKeyCount: Int { liveKeys.count }

  init(meta: MetaPage) { self.meta = meta }

  mutating func read(_ file: borrowing ReadableFile) throws(BoltError) {
    try walk(meta.root, bucket: nil, depth: 0, file)
  }

  /// Walks the tree at `page`; `bucket` is the top-level bucket that it belongs to, `nil` for the tree
  /// of the buckets themselves.
  private mutating func walk(
    _ page: UInt64, bucket: [UInt8]?, depth: Int, _ file: borrowing ReadableFile
  ) throws(BoltError) {
    // The tree of buckets and one bucket's tree, each with its leaf.
    guard depth < 2 * (TreeWalk.maximumDepth + 1) else {
      throw .unsound(page: page, bucket: nil, Defect(.tooDeep))
    }
    let node = try read(page, file)
    let bytes = unsafe node.span.bytes
    let header = NodeHeader(bytes)
    let isLeaf = header.flags == NodeHeader.leafFlag
    var offset = header.dataOffset
    guard offset <= bytes.byteCount else {
      throw .unsound(page: page, bucket: nil, Defect(.tooManyElements))
    }
    for index in 0..<header.count {
      let element: NodeElement
      do {
        element =
          isLeaf
          ? try NodeElement(leaf: bytes, index: index, expectedAt: offset, limit: bytes.byteCount)
          : try NodeElement(branch: bytes, index: index, expectedAt: offset, limit: bytes.byteCount)
      } catch {
        throw .unsound(page: page, bucket: nil, error)
      }
      offset = element.end
      guard isLeaf else {
        try walk(element.child, bucket: bucket, depth: depth + 1, file)
        continue
      }
      guard bucket == nil else {
        take(element, bytes, bucket: bucket)
        continue
      }
      let name = bytes.array(at: element.keyOffset, count: element.keySize)
      hash.update(unsafe name.span.bytes)
      let value = bytes.extracting(offset - element.valueSize..<offset)
      let root = value.byteCount >= 16 ? value.uint64(at: 0) : 0
      if root != 0 {
        try walk(root, bucket: name, depth: depth + 1, file)
      } else if value.byteCount >= 16 + NodeHeader.byteCount {
        takeInline(value.extracting(16..<value.byteCount), bucket: name)
      }
    }
  }

  /// Reads the node at `page`, all its pages.
  private func read(
    _ page: UInt64, _ file: borrowing ReadableFile
  ) throws(BoltError) -> [UInt8] {
    guard page < meta.highWaterMark else {
      throw .unsound(page: page, bucket: nil, Defect(.reachesBeyondDatabase))
    }
    let offset = page * UInt64(meta.pageSize)
    let first = try file.read(meta.pageSize, at: offset)
    guard first.count == meta.pageSize else {
      throw .ended(after: offset + UInt64(first.count), expected: meta.databaseSize)
    }
    let header = NodeHeader(unsafe first.span.bytes)
    guard UInt64(header.overflow) < meta.highWaterMark - page, header.dataOffset <= first.count
    else {
      throw .unsound(page: page, bucket: nil, Defect(.reachesBeyondDatabase))
    }
    guard header.overflow > 0 else { return first }
    let size = (Int(header.overflow) + 1) * meta.pageSize
    let whole = try file.read(size, at: offset)
    guard whole.count == size else {
      throw .ended(after: offset + UInt64(whole.count), expected: meta.databaseSize)
    }
    return whole
  }

  private mutating func takeInline(_ page: RawSpan, bucket: [UInt8]) {
    let header = NodeHeader(page)
    var offset = header.dataOffset
    guard offset <= page.byteCount else { return }
    for index in 0..<header.count {
      guard
        let element = try? NodeElement(  // was sound a moment ago
          leaf: page, index: index, expectedAt: offset, limit: page.byteCount)
      else { return }
      take(element, page, bucket: bucket)
      offset = element.end
    }
  }

  /// Takes one record of a bucket.
  private mutating func take(_ element: NodeElement, _ bytes: RawSpan, bucket: [UInt8]?) {
    hash.update(bytes.extracting(element.keyOffset..<element.keyOffset + element.keySize))
    guard element.flags == 0 else { return }  // a bucket within: without a value for the tools
    let value = bytes.extracting(element.end - element.valueSize..<element.end)
    hash.update(value)
    guard bucket == ReportBuilder.revisionBucketBytes, let place = KeyValue.userKey(value) else {
      return
    }
    let key = Self.hash(value.extracting(place))
    if element.keySize == 18 {
      liveKeys.remove(key)
    } else {
      liveKeys.insert(key)
    }
  }

  /// Seeded anew in every process, so that nobody can make up two keys with the same.
  private static func hash(_ bytes: RawSpan) -> UInt128 {
    func half(_ number: UInt8) -> UInt128 {
      var hasher = Hasher()
      hasher.combine(number)
      unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
      return UInt128(UInt(bitPattern: hasher.finalize()))
    }
    return half(0) << 64 | half(1)
  }
}
