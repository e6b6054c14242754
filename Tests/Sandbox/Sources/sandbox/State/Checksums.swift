// CRC-64/NVME, the checksum of `x-ms-content-crc64`, at sixteen bytes a step.

import Foundation

/// A running CRC-64/NVME: polynomial 0x9A6C9329AC4BC9B5 reflected, all ones in and out.
struct CRC64: Sendable {
  private var state: UInt64 = .max

  /// Sixteen tables of 256: the n-th says what a byte does to the state n bytes later.
  private static let tables: [UInt64] = {
    var tables = [UInt64](repeating: 0, count: 16 * 256)
    for byte in 0..<256 {
      var value = UInt64(byte)
      for _ in 0..<8 {
        value = value & 1 == 1 ? (value >> 1) ^ 0x9A6C_9329_AC4B_C9B5 : value >> 1
      }
      tables[byte] = value
    }
    for index in 256..<tables.count {
      let previous = tables[index - 256]
      tables[index] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
    }
    return tables
  }()

  /// The checksum of everything so far.
  var value: UInt64 { ~state }

  /// The value as the service writes it: eight bytes, little-endian, in base64.
  var header: String { Self.header(value) }

  static func header(_ value: UInt64) -> String {
    Data((0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }).base64EncodedString()
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let start = state
    unsafe state = Self.tables.withUnsafeBufferPointer { table in
      unsafe Self.advance(start, over: bytes, table: table)
    }
  }

  private static func advance(
    _ start: UInt64, over bytes: UnsafeRawBufferPointer, table: UnsafeBufferPointer<UInt64>
  ) -> UInt64 {
    var crc = start
    var offset = 0
    let end = bytes.count
    while offset + 16 <= end {
      let low =
        unsafe crc
        ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let high = unsafe UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
      // First the word that does not wait for the state.
      var next: UInt64 = 0
      for lane in 0..<8 {
        unsafe next ^= table[(7 - lane) &* 256 &+ Int((high >> UInt64(lane * 8)) & 0xFF)]
      }
      for lane in 0..<8 {
        unsafe next ^= table[(15 - lane) &* 256 &+ Int((low >> UInt64(lane * 8)) & 0xFF)]
      }
      crc = next
      offset += 16
    }
    while offset < end {
      unsafe crc = (crc >> 8) ^ table[Int((crc ^ UInt64(bytes[offset])) & 0xFF)]
      offset += 1
    }
    return crc
  }
}
