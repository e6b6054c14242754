// The key of one age file.

internal import Digests

/// 16 random bytes, new for every file. Each stanza of the header wraps it for one recipient; header
/// and payload are protected by keys that are derived from it.
struct FileKey: ~Copyable {
  static let byteCount = 16

  let bytes: SecretBytes

  /// `bytes` are exactly 16.
  init(_ bytes: consuming SecretBytes) {
    precondition(bytes.count == Self.byteCount, "a file key of another size")
    self.bytes = bytes
  }

  init(from random: inout some RandomBytes) throws(OpenSSLError) {
    var bytes = SecretBytes(zeros: Self.byteCount)
    try random.fill(&bytes)
    self.bytes = bytes
  }

  func payloadKey(nonce: [UInt8]) throws(OpenSSLError) -> SecretBytes {
    try HKDFSHA256.derive(from: bytes, salt: nonce, info: "payload")
  }

  /// The code that ends the header, of `header` from its first byte through `---`.
  func authenticationCode(of header: RawSpan) throws(OpenSSLError) -> [UInt8] {
    let key = try HKDFSHA256.derive(from: bytes, salt: [], info: "header")
    return try HMACSHA256.code(of: header, key: key)
  }
}
