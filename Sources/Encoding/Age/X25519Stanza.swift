// The part of a header that lets one recipient decrypt.

internal import Digests

/// An ephemeral public key, and the file key encrypted under what it and the recipient's key agree on.
struct X25519Stanza {
  static let kind = "X25519"
  static let bodyByteCount = FileKey.byteCount + ChaCha20Poly1305.tagByteCount

  let share: X25519PublicKey
  let body: [UInt8]

  private static let info = "age-encryption.org/v1/X25519"
  /// Each wrapping key is used once, so its nonce may be constant.
  private static let nonce = [UInt8](repeating: 0, count: ChaCha20Poly1305.nonceByteCount)

  init(share: X25519PublicKey, body: [UInt8]) {
    self.share = share
    self.body = body
  }

  /// Wraps a file key for one recipient, under an ephemeral key of its own.
  init(
    wrapping fileKey: borrowing FileKey, for recipient: AgeRecipient,
    random: inout some RandomBytes
  ) throws(OpenSSLError) {
    var scalar = SecretBytes(zeros: X25519PrivateKey.byteCount)
    try random.fill(&scalar)
    let ephemeral = try X25519PrivateKey(scalar)
    guard let secret = try ephemeral.sharedSecret(with: recipient.key) else {
      preconditionFailure("a recipient is never of low order: AgeRecipient refuses such points")
    }
    share = ephemeral.publicKey
    let key = try Self.wrappingKey(secret, share: share, recipient: recipient.key)
    var cipher = try ChaCha20Poly1305(.seal, key: key)
    var sealed = SecretBytes(zeros: Self.bodyByteCount)
    try fileKey.bytes.withBytes { bytes throws(OpenSSLError) in
      try unsafe cipher.seal(bytes, nonce: Self.nonce.span.bytes, into: &sealed)
    }
    body = sealed.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
  }

  /// What an identity makes of a stanza.
  enum Unwrapped: ~Copyable {
    case fileKey(FileKey)
    case isForAnother
    case shareIsOfLowOrder
  }

  func unwrapped(with identity: AgeIdentity) throws(OpenSSLError) -> Unwrapped {
    guard let secret = try identity.sharedSecret(with: share) else { return .shareIsOfLowOrder }
    let key = try Self.wrappingKey(secret, share: share, recipient: identity.publicKey)
    var cipher = try ChaCha20Poly1305(.open, key: key)
    var bytes = SecretBytes(zeros: FileKey.byteCount)
    let isOurs = try unsafe cipher.open(body.span.bytes, nonce: Self.nonce.span.bytes, into: &bytes)
    return isOurs ? .fileKey(FileKey(bytes)) : .isForAnother
  }

  private static func wrappingKey(
    _ secret: borrowing SecretBytes, share: X25519PublicKey, recipient: X25519PublicKey
  ) throws(OpenSSLError) -> SecretBytes {
    try HKDFSHA256.derive(from: secret, salt: share.bytes + recipient.bytes, info: info)
  }
}
