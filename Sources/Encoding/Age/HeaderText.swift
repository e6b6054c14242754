// The header of an age file, as text.

internal import Digests

/// Writes the header: version, one stanza for each recipient, authentication code.
///
/// See https://age-encryption.org/v1.
enum HeaderText {
  static let version = "age-encryption.org/v1"
  static let stanzaMark = "-> "
  static let footerMark = "---"
  /// Of base64, in the body of a stanza; a shorter line is its last.
  static let columns = 64

  static func header(
    _ stanzas: [X25519Stanza], fileKey: borrowing FileKey
  ) throws(OpenSSLError) -> [UInt8] {
    var text = Array("\(version)\n".utf8)
    for stanza in stanzas {
      text += "\(stanzaMark)\(X25519Stanza.kind) ".utf8
      text += HeaderBase64.encode(stanza.share.bytes)
      text.append(UInt8(ascii: "\n"))
      // 32 bytes are 43 characters, so one line.
      text += HeaderBase64.encode(stanza.body)
      text.append(UInt8(ascii: "\n"))
    }
    text += footerMark.utf8
    let code = try unsafe fileKey.authenticationCode(of: text.span.bytes)
    text.append(UInt8(ascii: " "))
    text += HeaderBase64.encode(code)
    text.append(UInt8(ascii: "\n"))
    return text
  }

  /// How long the header for that many recipients is.
  static func byteCount(recipientCount: Int) -> Int {
    let encoded = 43
    let stanza =
      stanzaMark.utf8.count + X25519Stanza.kind.utf8.count + 1 + encoded + 1 + encoded + 1
    return version.utf8.count + 1 + recipientCount * stanza + footerMark.utf8.count + 1 + encoded
      + 1
  }
}
