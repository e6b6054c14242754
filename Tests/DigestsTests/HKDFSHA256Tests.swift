// HKDF-SHA256 against RFC 5869, appendix A.

import Digests
import Testing

@Suite struct `HKDF-SHA256` {
  func derive(_ key: [UInt8], salt: [UInt8], info: [UInt8]) throws -> String {
    let secret = unsafe SecretBytes(copying: key.span.bytes)
    let derived = try HKDFSHA256.derive(
      from: secret, salt: salt, info: String(decoding: info, as: UTF8.self), count: 42)
    return derived.withBytes { bytes in
      unsafe bytes.withUnsafeBytes { unsafe Hex.lowercase(Array($0)) }
    }
  }

  /// A.3; the information of the other tests is not text.
  @Test func `derives without salt and information`() throws {
    #expect(
      try derive([UInt8](repeating: 0x0B, count: 22), salt: [], info: [])
        == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
  }

  @Test func `depends on key, salt and information`() throws {
    let key = [UInt8](repeating: 0x0B, count: 22)
    let plain = try derive(key, salt: [], info: [])
    #expect(try derive(key, salt: [0], info: []) == plain)  // HMAC pads its key with zeros
    #expect(try derive(key, salt: [1], info: []) != plain)
    #expect(try derive(key, salt: [], info: [97]) != plain)
    #expect(try derive(key + [0], salt: [], info: []) != plain)
  }
}
