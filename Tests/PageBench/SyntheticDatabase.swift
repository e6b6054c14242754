/// A sound database of any size, made up page by page: bucket `key` full of puts, nothing else.
struct SyntheticDatabase {
  let byteCount: Int
  private let pageSize: Int
  /// Pages of each level of the tree, the leaves first; the bucket's root is the last.
  private let levels: [Range<Int>]
  private let recordsPerLeaf: Int
  private let fanOut: Int
  private var page = 0

  /// A record: 16 bytes of element, 17 of key and this value, a message `mvccpb.KeyValue`.
  private static let valueSize = 100
  private static let recordSize = 16 + 17 + valueSize
  /// Revisions start here, so that all of them take five bytes in a message.
  private static let firstRevision = 1 << 28

  init(byteCount: Int, pageSize: Int) {
    self.pageSize = pageSize
    recordsPerLeaf = (pageSize - 16) / Self.recordSize
    fanOut = (pageSize - 16) / (16 + 17)
    var levels = [2..<2 + byteCount / pageSize * (fanOut - 1) / fanOut]
    while let below = levels.last, below.count > 1 {
      levels.append(below.upperBound..<below.upperBound + (below.count + fanOut - 1) / fanOut)
    }
    self.levels = levels
    self.byteCount = ((levels.last?.upperBound ?? 2) + 1) * pageSize
  }

  private var rootLeaf: Int { byteCount / pageSize - 1 }

  /// The next megabyte or so; `nil` at the end.
  mutating func next() -> [UInt8]? {
    guard page <= rootLeaf else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(1 << 20 + pageSize)
    while page <= rootLeaf, bytes.count < 1 << 20 {
      append(page, to: &bytes)
      bytes.append(
        contentsOf: repeatElement(0, count: (pageSize - bytes.count % pageSize) % pageSize))
      page += 1
    }
    return bytes
  }

  private func append(_ page: Int, to bytes: inout [UInt8]) {
    if page < 2 {
      appendMeta(page, to: &bytes)
    } else if page == rootLeaf {
      appendRoot(to: &bytes)
    } else if levels[0].contains(page) {
      appendLeaf(page, to: &bytes)
    } else if let level = levels.firstIndex(where: { $0.contains(page) }) {
      appendBranch(page, level: level, to: &bytes)
    }
  }

  // MARK: Pages

  private func appendMeta(_ page: Int, to bytes: inout [UInt8]) {
    header(page, flags: 4, count: 0, to: &bytes)
    let start = bytes.count
    little(0xED0C_DAED, 4, to: &bytes)
    little(2, 4, to: &bytes)
    little(pageSize, 4, to: &bytes)
    little(0, 4, to: &bytes)
    little(rootLeaf, 8, to: &bytes)
    little(0, 8, to: &bytes)
    little(-1, 8, to: &bytes)
    little(byteCount / pageSize, 8, to: &bytes)
    little(9 - page, 8, to: &bytes)
    let checksum = bytes[start...].reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    little(Int(truncatingIfNeeded: checksum), 8, to: &bytes)
  }

  private func appendLeaf(_ page: Int, to bytes: inout [UInt8]) {
    header(page, flags: 2, count: recordsPerLeaf, to: &bytes)
    for record in 0..<recordsPerLeaf {
      little(0, 4, to: &bytes)
      little((recordsPerLeaf - record) * 16 + record * (17 + Self.valueSize), 4, to: &bytes)
      little(17, 4, to: &bytes)
      little(Self.valueSize, 4, to: &bytes)
    }
    for record in 0..<recordsPerLeaf {
      let revision = firstRevision(ofLeaf: page) + record
      key(revision, to: &bytes)
      let start = bytes.count
      bytes += [0x0A, 4, 0x6B, 0x65, 0x79, 0x73, 0x10]
      varint(revision, to: &bytes)
      bytes.append(0x18)
      varint(revision, to: &bytes)
      bytes += [0x20, 1, 0x2A, UInt8(Self.valueSize - (bytes.count - start) - 4)]
      bytes.append(
        contentsOf: repeatElement(0x55, count: Self.valueSize - (bytes.count - start)))
    }
  }

  private func appendBranch(_ page: Int, level: Int, to bytes: inout [UInt8]) {
    let below = levels[level - 1]
    let first = below.lowerBound + (page - levels[level].lowerBound) * fanOut
    let children = first..<min(first + fanOut, below.upperBound)
    header(page, flags: 1, count: children.count, to: &bytes)
    for (index, child) in children.enumerated() {
      little((children.count - index) * 16 + index * 17, 4, to: &bytes)
      little(17, 4, to: &bytes)
      little(child, 8, to: &bytes)
    }
    for child in children { key(firstRevision(of: child, level: level - 1), to: &bytes) }
  }

  private func appendRoot(to bytes: inout [UInt8]) {
    header(rootLeaf, flags: 2, count: 2, to: &bytes)
    for (position, keySize, valueSize) in [(32, 3, 16), (16 + 3 + 16, 4, 32)] {
      for number in [1, position, keySize, valueSize] { little(number, 4, to: &bytes) }
    }
    bytes += "key".utf8
    little(rootLeaf - 1, 8, to: &bytes)
    little(0, 8, to: &bytes)
    bytes += "meta".utf8
    little(0, 24, to: &bytes)
    little(2, 8, to: &bytes)
  }

  private func firstRevision(of page: Int, level: Int) -> Int {
    var page = page
    for level in (0..<level).reversed() {
      page = levels[level].lowerBound + (page - levels[level + 1].lowerBound) * fanOut
    }
    return firstRevision(ofLeaf: page)
  }

  private func firstRevision(ofLeaf page: Int) -> Int {
    Self.firstRevision + (page - 2) * recordsPerLeaf
  }

  // MARK: Numbers

  private func header(_ page: Int, flags: Int, count: Int, to bytes: inout [UInt8]) {
    little(page, 8, to: &bytes)
    little(flags, 2, to: &bytes)
    little(count, 2, to: &bytes)
    little(0, 4, to: &bytes)
  }

  private func key(_ revision: Int, to bytes: inout [UInt8]) {
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: revision >> shift))
    }
    bytes.append(0x5F)
    bytes.append(contentsOf: repeatElement(0, count: 8))
  }

  private func varint(_ number: Int, to bytes: inout [UInt8]) {
    for byte in 0..<5 {
      bytes.append(UInt8(number >> (byte * 7) & 0x7F) | (byte < 4 ? 0x80 : 0))
    }
  }

  private func little(_ number: Int, _ count: Int, to bytes: inout [UInt8]) {
    for byte in 0..<count {
      bytes.append(byte < 8 ? UInt8(truncatingIfNeeded: number >> (byte * 8)) : 0)
    }
  }
}
