/// CRC-32 with Castagnoli's polynomial: the `hash` of `etcdutl snapshot status`.
package struct CRC32C {
  /// `tables[k][b]`: byte `b` with `k` zero bytes after it. Eight of them take eight bytes a step.
  private static let tables: [[UInt32]] = {
    var tables = [[UInt32]](repeating: [UInt32](repeating: 0, count: 256), count: 8)
    for byte in 0..<256 {
      var remainder = UInt32(byte)
      for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 1 ? 0x82F6_3B78 : 0) }
      tables[0][byte] = remainder
    }
    for power in 1..<8 {
      for byte in 0..<256 {
        let shorter = tables[power - 1][byte]
        tables[power][byte] = shorter >> 8 ^ tables[0][Int(shorter & 0xFF)]
      }
    }
    return tables
  }()

  private var remainder = UInt32.max

  package init() {}

  /// The checksum of all bytes so far.
  package var value: UInt32 { ~remainder }

  package mutating func update(_ bytes: [UInt8]) {
    update(unsafe bytes.span.bytes)
  }

  package mutating func update(_ bytes: RawSpan) {
    let tables = Self.tables
    var crc = remainder
    var offset = 0
    while offset + 8 <= bytes.byteCount {
      let word = bytes.uint64(at: offset) ^ UInt64(crc)
      crc = 0
      for byte in 0..<8 {
        crc ^= tables[7 - byte][Int(word >> UInt64(byte * 8) & 0xFF)]
      }
      offset += 8
    }
    while offset < bytes.byteCount {
      crc = crc >> 8 ^ tables[0][Int((crc ^ UInt32(bytes.byte(at: offset))) & 0xFF)]
      offset += 1
    }
    remainder = crc
  }
}
