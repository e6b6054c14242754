/// The first 80 bytes of a bbolt database: page 0's header and the meta in it.

internal import FoundationEssentials

/// Little-endian, as on every machine that etcd supports but s390x.
struct DatabaseHeader: Equatable {
  /// Bytes: high-water page id × page size, which is the length of a streamed snapshot's database.
  let databaseSize: UInt64

  static let byteCount = 80

  private static let magic: UInt32 = 0xED0C_DAED
  private static let version: UInt32 = 2

  init(_ bytes: Data) throws(SnapshotError) {
    guard bytes.count >= Self.byteCount else {
      throw .notDatabase(reason: "only \(bytes.count) bytes in its first message")
    }
    let fields = Array(bytes.prefix(Self.byteCount))
    guard Self.read(UInt32.self, fields, at: 16) == Self.magic else {
      throw .notDatabase(reason: "bbolt's magic number is missing")
    }
    let version = Self.read(UInt32.self, fields, at: 20)
    guard version == Self.version else {
      throw .notDatabase(reason: "version \(version) of the file format, not \(Self.version)")
    }
    let checksum = Self.fnv1a(fields[16..<72])
    guard Self.read(UInt64.self, fields, at: 72) == checksum else {
      throw .notDatabase(reason: "the checksum of its first page is wrong")
    }
    let pageSize = UInt64(Self.read(UInt32.self, fields, at: 24))
    let highWater = Self.read(UInt64.self, fields, at: 56)
    let (size, overflow) = pageSize.multipliedReportingOverflow(by: highWater)
    guard !overflow, size >= 4 * 1024, size < 1 << 60, pageSize.isMultiple(of: 512) else {
      throw .notDatabase(reason: "\(highWater) pages of \(pageSize) bytes cannot be")
    }
    databaseSize = size
  }

  private static func read<Number: FixedWidthInteger>(
    _: Number.Type, _ bytes: [UInt8], at offset: Int
  ) -> Number {
    bytes[offset..<offset + Number.bitWidth / 8].reversed().reduce(0) { $0 << 8 | Number($1) }
  }

  /// FNV-1a, 64 bits: bbolt's checksum of a meta.
  private static func fnv1a(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
