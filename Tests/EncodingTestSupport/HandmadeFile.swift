// Age files that no program writes: any header with the right authentication code, any chunks.

internal import Digests
internal import Encoding

/// Under the file key of `Vector`, which `Vector.stanza1` wraps for identity 1.
package struct HandmadeFile {
  package var version = "age-encryption.org/v1\n"
  package var stanzas = Vector.stanza1
  package var footerMark = "---"
  /// Base64 of the code, a blank before and a line end behind it.
  package var footer: (String) -> String = { " \($0)\n" }
  package var nonce = Vector.payloadNonce
  package var chunks: [(plaintext: [UInt8], number: UInt64, isLast: Bool)] = []
  /// What follows the chunks.
  package var tail: [UInt8] = []

  package init() {}

  /// A file of these chunks, the last of them marked as such.
  package init(chunks: [[UInt8]]) {
    self.chunks = chunks.enumerated().map { index, plaintext in
      (plaintext, UInt64(index), index == chunks.count - 1)
    }
  }

  package var bytes: [UInt8] {
    get throws {
      let authenticated = Array((version + stanzas + footerMark).utf8)
      let keyBytes = Vector.fileKey
      let fileKey = unsafe SecretBytes(copying: keyBytes.span.bytes)
      let key = try HKDFSHA256.derive(from: fileKey, salt: [], info: "header")
      let code = try unsafe HMACSHA256.code(of: authenticated.span.bytes, key: key)
      let payloadKey = try HKDFSHA256.derive(from: fileKey, salt: nonce, info: "payload")
      var all = authenticated + Array(footer(Self.base64(code)).utf8) + nonce
      for chunk in chunks { all += try Self.sealed(chunk, key: payloadKey) }
      return all + tail
    }
  }

  private static func sealed(
    _ chunk: (plaintext: [UInt8], number: UInt64, isLast: Bool), key: borrowing SecretBytes
  ) throws -> [UInt8] {
    var cipher = try ChaCha20Poly1305(.seal, key: key)
    var output = SecretBytes(zeros: chunk.plaintext.count + ChaCha20Poly1305.tagByteCount)
    let nonce = ChunkNonce(chunk: chunk.number).bytes(isLast: chunk.isLast)
    try unsafe cipher.seal(chunk.plaintext.span.bytes, nonce: nonce.span.bytes, into: &output)
    return output.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
  }

  package static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - UInt8($0)) & 1 } }
    while bits.count % 6 != 0 { bits.append(0) }
    return String(
      stride(from: 0, to: bits.count, by: 6).map { start in
        alphabet[bits[start..<start + 6].reduce(0) { $0 << 1 | Int($1) }]
      })
  }
}
