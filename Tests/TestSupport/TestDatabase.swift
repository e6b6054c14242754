// Bytes that begin like a bbolt database and are as long as its header says; any size, no content.

/// A bbolt database's first page is its header and a meta, which names page size and page count.
package enum TestDatabase {
  package static func bytes(pageCount: Int, pageSize: Int = 4096) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64)
    bytes.replaceSubrange(8..<10, with: littleEndian(UInt16(4)))  // a meta page
    bytes.replaceSubrange(16..<20, with: littleEndian(UInt32(0xED0C_DAED)))
    bytes.replaceSubrange(20..<24, with: littleEndian(UInt32(2)))
    bytes.replaceSubrange(24..<28, with: littleEndian(UInt32(pageSize)))
    bytes.replaceSubrange(32..<40, with: littleEndian(UInt64(2)))  // the root
    bytes.replaceSubrange(48..<56, with: littleEndian(UInt64.max))  // no freelist
    bytes.replaceSubrange(56..<64, with: littleEndian(UInt64(pageCount)))
    bytes += littleEndian(UInt64(9))  // the transaction
    bytes += littleEndian(fnv1a(bytes[16..<72]))
    while bytes.count < pageCount * pageSize { bytes.append(UInt8(bytes.count % 251)) }
    return bytes
  }

  /// A sound database at whose end so much of other databases lies, page by page as a long value may
  /// hold it, that nobody can keep all of it in mind.
  package static var tangled: [UInt8] {
    let pageSize = SnapshotFixture.pageSize
    let strangers = 300
    var bytes = SnapshotFixture.database
    for meta in [0, pageSize] {
      bytes.replaceSubrange(
        meta + 56..<meta + 64, with: littleEndian(UInt64(SnapshotFixture.highWaterPage + strangers))
      )
      bytes.replaceSubrange(
        meta + 72..<meta + 80, with: littleEndian(fnv1a(bytes[meta + 16..<meta + 72])))
    }
    for page in 0..<strangers {
      bytes += leaf(SnapshotFixture.highWaterPage + page, pageSize, keySize: 1900)
    }
    return bytes
  }

  /// A leaf of two keys that no other leaf has.
  private static func leaf(_ page: Int, _ pageSize: Int, keySize: Int) -> [UInt8] {
    var bytes = littleEndian(UInt64(page)) + littleEndian(UInt16(2)) + littleEndian(UInt16(2))
    bytes += [0, 0, 0, 0]
    for offset in [32, 16 + keySize] {
      bytes += littleEndian(UInt32(0)) + littleEndian(UInt32(offset))
      bytes += littleEndian(UInt32(keySize)) + littleEndian(UInt32(0))
    }
    for letter in [UInt8(ascii: "a"), UInt8(ascii: "b")] {
      bytes += [letter] + Array("\(page)".utf8)
      bytes += [UInt8](repeating: letter, count: keySize - 1 - "\(page)".utf8.count)
    }
    return bytes + [UInt8](repeating: 0, count: pageSize - bytes.count)
  }

  private static func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }

  private static func fnv1a(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
  }
}
