// Whom a backup is encrypted for.

internal import Digests

/// A public key of age, `age1…`: who holds the identity that belongs to it can decrypt.
package struct AgeRecipient: Hashable, Sendable {
  let key: X25519PublicKey
  /// As age-keygen prints it.
  package let text: String

  static let prefix = "age"

  init(_ key: X25519PublicKey) {
    self.key = key
    text = Bech32.encode(prefix: Self.prefix, key.bytes)
  }

  /// Reads a recipient without blanks around it.
  package init(_ text: String) throws(RecipientFault) {
    let bytes = Array(text.utf8)
    try unsafe self.init(bytes.span.bytes)
  }

  init(_ text: RawSpan) throws(RecipientFault) {
    if let other = OtherKey(text) { throw .otherKey(other) }
    let decoded = try Self.decode(text)
    guard decoded.prefix == Self.prefix else {
      if let plugin = OtherKey(pluginRecipientPrefix: decoded.prefix) { throw .otherKey(plugin) }
      throw .notRecipient
    }
    guard !decoded.isUpperCase else { throw .upperCase }
    let bytes = decoded.data.withBytes { bytes in
      unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
    guard let key = X25519PublicKey(bytes) else { throw .wrongSize(byteCount: bytes.count) }
    guard try !Self.isOfLowOrder(key) else { throw .lowOrder }
    self.init(key)
  }

  private static func decode(_ text: RawSpan) throws(RecipientFault) -> Bech32 {
    do throws(Bech32Fault) {
      return try Bech32(text)
    } catch {
      // A fault within Bech32 means something only where the text wants to be a recipient.
      guard text.begins(with: "age1") else { throw .notRecipient }
      throw .notBech32(error)
    }
  }

  private static func isOfLowOrder(_ key: X25519PublicKey) throws(RecipientFault) -> Bool {
    do throws(OpenSSLError) {
      return try key.isOfLowOrder()
    } catch {
      throw .openSSL(error)
    }
  }

  /// Eight hex digits by which people tell recipients apart: of the SHA-256 of the text, the first.
  package var fingerprint: String {
    String(SHA256.digest(of: Array(text.utf8)).description.prefix(8))
  }
}

extension AgeRecipient: CustomStringConvertible {
  package var description: String { text }
}

extension RawSpan {
  /// Whether the text begins so, in upper or lower case.
  func begins(with prefix: String) -> Bool {
    let prefix = Array(prefix.utf8)
    guard byteCount >= prefix.count else { return false }
    return prefix.indices.allSatisfy { index in
      let byte = byte(at: index)
      let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
      return (isUpper ? byte | 0x20 : byte) == prefix[index]
    }
  }
}
