/// Goes through all records of a database in the order of their keys, for what depends on it.
///
/// The database was found sound before; this guards only against a file that changes meanwhile. Its
/// memory is bounded whatever the file holds: of a node its first page, of a long record a piece, and
/// of the users' keys a share, where all are too many. Then the file is read once for each share.
struct RecordOrder {
  private let meta: MetaPage
  /// What `snapshot status` calls hash: over each top-level bucket's name, then its keys and values.
  private(set) var hash = CRC32C()
  /// How many of the users' keys live: their newest revision is no tombstone.
  private(set) var liveKeyCount = 0

  /// Of the current share, each by 128 bits of hash: no two are alike in so many bits.
  private var liveKeys: Set<UInt128> = []
  /// There are this many shares, a power of two; the lowest bits of its hash say which a key is in.
  private var shareCount: UInt128 = 1
  private var share: UInt128 = 0
  /// A set of so many takes 32 MiB, and twice that for the moment in which it is divided.
  private let mostKeys: Int

  /// A longer record is read in pieces of this many bytes.
  private static let pieceSize = 1 << 20

  init(meta: MetaPage, mostKeys: Int = 1_500_000) {
    self.meta = meta
    self.mostKeys = mostKeys
  }

  mutating func read(_ file: borrowing ReadableFile) throws(BoltError) {
    repeat {
      liveKeys.removeAll(keepingCapacity: true)
      try walk(meta.root, bucket: nil, depth: 0, file)
      liveKeyCount += liveKeys.count
      share += 1
    } while share < shareCount
  }

  private var isFirstReading: Bool { share == 0 }

  // MARK: Nodes

  /// Walks the tree at `page`; `bucket` is the top-level bucket that it belongs to, `nil` for the tree
  /// of the buckets themselves.
  private mutating func walk(
    _ page: UInt64, bucket: [UInt8]?, depth: Int, _ file: borrowing ReadableFile
  ) throws(BoltError) {
    // The tree of buckets and one bucket's tree, each with its leaf.
    guard depth < 2 * (TreeWalk.maximumDepth + 1) else {
      throw .unsound(page: page, bucket: nil, Defect(.tooDeep))
    }
    guard page < meta.highWaterMark else {
      throw .unsound(page: page, bucket: nil, Defect(.reachesBeyondDatabase))
    }
    let start = page * UInt64(meta.pageSize)
    let first = try readAll(meta.pageSize, at: start, file)
    let bytes = unsafe first.span.bytes
    let header = NodeHeader(bytes)
    let isLeaf = header.flags == NodeHeader.leafFlag
    guard UInt64(header.overflow) < meta.highWaterMark - page else {
      throw .unsound(page: page, bucket: nil, Defect(.reachesBeyondDatabase))
    }
    let limit = (Int(header.overflow) + 1) * meta.pageSize
    var offset = header.dataOffset
    guard offset <= bytes.byteCount else {
      throw .unsound(page: page, bucket: nil, Defect(.tooManyElements))
    }
    for index in 0..<header.count {
      let element: NodeElement
      do {
        element =
          isLeaf
          ? try NodeElement(leaf: bytes, index: index, expectedAt: offset, limit: limit)
          : try NodeElement(branch: bytes, index: index, expectedAt: offset, limit: limit)
      } catch {
        throw .unsound(page: page, bucket: nil, error)
      }
      offset = element.end
      if !isLeaf {
        try walk(element.child, bucket: bucket, depth: depth + 1, file)
      } else if element.end <= bytes.byteCount {
        try takeRecord(
          element, bytes.extracting(element.keyOffset..<element.end), bucket, depth, file)
      } else if element.keySize + element.valueSize <= Self.pieceSize {
        let record = try readAll(
          element.keySize + element.valueSize, at: start + UInt64(element.keyOffset), file)
        try takeRecord(element, unsafe record.span.bytes, bucket, depth, file)
      } else if bucket != nil {
        try takeLong(element, at: start + UInt64(element.keyOffset), bucket, file)
      } else {
        throw .unsound(page: page, bucket: nil, Defect(.bucket, element: index))
      }
    }
  }

  /// `record` is the key and, behind it, the value.
  private mutating func takeRecord(
    _ element: NodeElement, _ record: RawSpan, _ bucket: [UInt8]?, _ depth: Int,
    _ file: borrowing ReadableFile
  ) throws(BoltError) {
    guard bucket == nil else {
      take(element, record, bucket: bucket)
      return
    }
    let name = record.array(at: 0, count: element.keySize)
    if isFirstReading { hash.update(unsafe name.span.bytes) }
    let value = record.extracting(element.keySize..<record.byteCount)
    let root = value.byteCount >= 16 ? value.uint64(at: 0) : 0
    if root != 0 {
      try walk(root, bucket: name, depth: depth + 1, file)
    } else if value.byteCount >= 16 + NodeHeader.byteCount {
      takeInline(value.extracting(16..<value.byteCount), bucket: name)
    }
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
      take(element, page.extracting(offset..<element.end), bucket: bucket)
      offset = element.end
    }
  }

  // MARK: Records

  /// Takes one record of a bucket: its key and, behind it, its value.
  private mutating func take(_ element: NodeElement, _ record: RawSpan, bucket: [UInt8]?) {
    // Of a bucket within, which has no value for the tools, the name.
    let isBucket = element.flags != 0
    if isFirstReading {
      hash.update(isBucket ? record.extracting(0..<element.keySize) : record)
    }
    guard !isBucket, bucket == ReportBuilder.revisionBucketBytes else { return }
    let value = record.extracting(element.keySize..<record.byteCount)
    guard let place = KeyValue.userKey(value) else { return }
    var key = KeyHash()
    key.update(value.extracting(place))
    note(key.value, isTombstone: element.keySize == 18)
  }

  /// The same for a record of any length, which begins at `offset` in the file.
  private mutating func takeLong(
    _ element: NodeElement, at offset: UInt64, _ bucket: [UInt8]?, _ file: borrowing ReadableFile
  ) throws(BoltError) {
    let isBucket = element.flags != 0
    let valueOffset = offset + UInt64(element.keySize)
    if isFirstReading {
      var hash = hash
      let size = element.keySize + (isBucket ? 0 : element.valueSize)
      try forEachPiece(size, at: offset, file) { hash.update($0) }
      self.hash = hash
    }
    guard !isBucket, bucket == ReportBuilder.revisionBucketBytes else { return }
    var message = KeyValue(size: element.valueSize)
    while message.offset < message.size {
      let head = try readAll(
        min(KeyValue.maximumHeadSize, message.size - message.offset),
        at: valueOffset + UInt64(message.offset), file)
      guard unsafe message.readField(head.span.bytes, at: 0) else { return }
    }
    guard !message.userKey.isEmpty else { return }
    var key = KeyHash()
    try forEachPiece(
      message.userKey.count, at: valueOffset + UInt64(message.userKey.lowerBound), file
    ) { key.update($0) }
    note(key.value, isTombstone: element.keySize == 18)
  }

  private mutating func note(_ key: UInt128, isTombstone: Bool) {
    guard key & (shareCount - 1) == share else { return }
    guard !isTombstone else {
      liveKeys.remove(key)
      return
    }
    liveKeys.insert(key)
    // How many there are shows in the first reading; later shares are as large, but for chance.
    while isFirstReading, liveKeys.count > mostKeys {
      shareCount *= 2
      for other in liveKeys where other & (shareCount - 1) != share { liveKeys.remove(other) }
    }
  }

  // MARK: Bytes

  private func readAll(
    _ count: Int, at offset: UInt64, _ file: borrowing ReadableFile
  ) throws(BoltError) -> [UInt8] {
    let bytes = try file.read(count, at: offset)
    guard bytes.count == count else {
      throw .ended(after: offset + UInt64(bytes.count), expected: meta.databaseSize)
    }
    return bytes
  }

  private func forEachPiece(
    _ count: Int, at offset: UInt64, _ file: borrowing ReadableFile, _ body: (RawSpan) -> Void
  ) throws(BoltError) {
    for done in stride(from: 0, to: count, by: Self.pieceSize) {
      let piece = try readAll(min(Self.pieceSize, count - done), at: offset + UInt64(done), file)
      body(unsafe piece.span.bytes)
    }
  }
}

/// 128 bits that stand for a user's key, which may come in pieces. Seeded anew in every process, so
/// that two keys with the same one cannot be constructed.
private struct KeyHash {
  private var halves = (Hasher(), Hasher())

  init() {
    halves.0.combine(UInt8(0))
    halves.1.combine(UInt8(1))
  }

  mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes {
      unsafe halves.0.combine(bytes: $0)
      unsafe halves.1.combine(bytes: $0)
    }
  }

  var value: UInt128 {
    UInt128(UInt(bitPattern: halves.0.finalize())) << 64
      | UInt128(UInt(bitPattern: halves.1.finalize()))
  }
}
