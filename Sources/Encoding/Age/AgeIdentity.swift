// What a backup is decrypted with.

internal import Digests

/// A private key of age, `AGE-SECRET-KEY-1…`. Printing it in any way yields `<age identity>`.
///
/// A class, since arrays hold no move-only values: the key is in memory once, and OpenSSL wipes it
/// when the last reference goes.
package final class AgeIdentity {
  private let key: X25519PrivateKey

  /// The public key that belongs to it.
  package var recipient: AgeRecipient { AgeRecipient(key.publicKey) }

  static let prefix = "age-secret-key-"

  /// Reads an identity without blanks around it; keeps no copy of the text.
  package init(_ text: RawSpan) throws(IdentityFault) {
    if let other = OtherKey(text), other != .identity { throw .otherKey(other) }
    if text.begins(with: "age1") { throw .otherKey(.recipient) }
    guard text.begins(with: Self.prefix) else { throw .notIdentity }
    let decoded = try Self.decode(text)
    guard decoded.prefix == Self.prefix else { throw .notIdentity }
    key = try Self.key(decoded)
  }

  private static func decode(_ text: RawSpan) throws(IdentityFault) -> Bech32 {
    do throws(Bech32Fault) {
      return try Bech32(text)
    } catch {
      throw .notBech32(error)
    }
  }

  private static func key(_ decoded: borrowing Bech32) throws(IdentityFault) -> X25519PrivateKey {
    guard decoded.isUpperCase else { throw .lowerCase }
    guard decoded.data.count == X25519PrivateKey.byteCount else {
      throw .wrongSize(byteCount: decoded.data.count)
    }
    do throws(OpenSSLError) {
      return try X25519PrivateKey(decoded.data)
    } catch {
      throw .openSSL(error)
    }
  }

  var publicKey: X25519PublicKey { key.publicKey }

  /// `nil` where `share` is of low order.
  func sharedSecret(with share: X25519PublicKey) throws(OpenSSLError) -> SecretBytes? {
    try key.sharedSecret(with: share)
  }
}

extension AgeIdentity: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "<age identity>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
