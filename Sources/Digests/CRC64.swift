/// CRC-64/NVME, the checksum of Azure's `x-ms-content-crc64`: sixteen bytes per step through tables.
///
/// Width 64, polynomial 0xAD93D23594C93659 (reflected 0x9A6C9329AC4BC9B5), reflected in and out,
/// start value and final xor all ones.

/// One running CRC-64/NVME; a value, so that it may be looked at in between.
package struct CRC64: Sendable, Equatable {
  /// The register before the final xor.
  private var register = UInt64.max

  package init() {}

  /// The checksum of everything fed so far.
  package var value: UInt64 { ~register }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var crc = register
    var position = 0
    unsafe Self.tables.withUnsafeBufferPointer { tables in
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
    register = crc
  }

  /// The checksum of bytes that are all there.
  package static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt64 {
    var running = CRC64()
    unsafe running.update(bytes)
    return running.value
  }

  /// Table n holds, for each byte, what it contributes after n more bytes have passed.
  private static let tables: [UInt64] = {
    let polynomial: UInt64 = 0x9A6C_9329_AC4B_C9B5
    var tables = [UInt64](repeating: 0, count: 16 * 256)
    for byte in 0..<256 {
      var crc = UInt64(byte)
      for _ in 0..<8 {
        crc = crc & 1 == 1 ? (crc >> 1) ^ polynomial : crc >> 1
      }
      tables[byte] = crc
    }
    for index in 256..<tables.count {
      let previous = tables[index - 256]
      tables[index] = tables[Int(previous & 255)] ^ (previous >> 8)
    }
    return tables
  }()
}
