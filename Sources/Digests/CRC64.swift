// CRC-64/NVME, the checksum of Azure's `x-ms-content-crc64`: folded by carry-less multiplication, or through tables.
//
// Width 64, polynomial 0xAD93D23594C93659 (reflected 0x9A6C9329AC4BC9B5), reflected in and out,
// start value and final xor all ones.

internal import CCarryless

/// One running CRC-64/NVME; a value, so that it may be looked at in between.
///
/// ```swift
/// var checksum = CRC64()
/// checksum.update(bytes)
/// headers["x-ms-content-crc64"] = checksum.headerValue
/// ```
package struct CRC64: Sendable, Equatable {
  /// The register before the final xor.
  private var register = UInt64.max

  package init() {}

  /// The checksum of everything fed so far.
  package var value: UInt64 { ~register }

  package mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe update($0) }
  }

  private mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var rest = unsafe bytes
    let foldable = bytes.count & ~63
    if foldable > 0, Self.canFold, let start = bytes.baseAddress {
      let folded = unsafe carryless_fold(register, start, foldable, Self.powers)
      register = unsafe withUnsafeBytes(of: folded) { unsafe Self.throughTables(0, $0) }
      unsafe rest = UnsafeRawBufferPointer(rebasing: bytes[foldable...])
    }
    register = unsafe Self.throughTables(register, rest)
  }

  /// The checksum of bytes that are all there.
  package static func checksum(of bytes: RawSpan) -> UInt64 {
    var running = CRC64()
    running.update(bytes)
    return running.value
  }

  /// Sixteen bytes per step; for what is too short to fold, and for processors that cannot.
  private static func throughTables(_ register: UInt64, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var crc = register
    var position = 0
    unsafe tables.withUnsafeBufferPointer { tables in
      while bytes.count - position >= 16 {
        let low =
          unsafe crc
          ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        let high = unsafe UInt64(
          littleEndian: bytes.loadUnaligned(fromByteOffset: position + 8, as: UInt64.self))
        // First what the register has no part in, so that the processor need not wait for it.
        var next: UInt64 = 0
        for index in 0..<8 {
          let byte = Int(truncatingIfNeeded: (high &>> UInt64(8 * index)) & 255)
          unsafe next ^= tables[(7 - index) << 8 | byte]
        }
        for index in 0..<8 {
          let byte = Int(truncatingIfNeeded: (low &>> UInt64(8 * index)) & 255)
          unsafe next ^= tables[(15 - index) << 8 | byte]
        }
        crc = next
        position += 16
      }
      while position < bytes.count {
        let index = unsafe Int(truncatingIfNeeded: (crc ^ UInt64(bytes[position])) & 255)
        crc = unsafe tables[index] ^ (crc &>> 8)
        position += 1
      }
    }
    return crc
  }

  /// Table n holds, for each byte, what it contributes after n more bytes have passed.
  private static let tables: [UInt64] = {
    var tables = [UInt64](repeating: 0, count: 16 * 256)
    for byte in 0..<256 {
      tables[byte] = (0..<8).reduce(UInt64(byte)) { crc, _ in timesX(crc) }
    }
    for index in 256..<tables.count {
      let previous = tables[index - 256]
      tables[index] = tables[Int(previous & 255)] ^ (previous >> 8)
    }
    return tables
  }()

  private static let canFold = carryless_is_supported() != 0

  private static let powers = carryless_powers(
    x575: power(575), x511: power(511), x191: power(191), x127: power(127))

  /// x to the power of `exponent`, modulo the polynomial; the highest bit is x to the power of 0.
  private static func power(_ exponent: Int) -> UInt64 {
    (0..<exponent).reduce(1 << 63) { power, _ in timesX(power) }
  }

  private static func timesX(_ number: UInt64) -> UInt64 {
    let reflectedPolynomial: UInt64 = 0x9A6C_9329_AC4B_C9B5
    return number & 1 == 1 ? number >> 1 ^ reflectedPolynomial : number >> 1
  }
}
