// What is wrong with a recipient. No case carries its text, which may be a private key.

package import Digests

package enum RecipientFault: Error, Equatable {
  case otherKey(OtherKey)
  /// It does not begin with `age1`.
  case notRecipient
  case notBech32(Bech32Fault)
  case upperCase
  case wrongSize(byteCount: Int)
  /// A point that everybody can decrypt for.
  case lowOrder
  case openSSL(OpenSSLError)
}

extension RecipientFault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .otherKey(let other): "it is \(other)"
    case .notRecipient: "it does not begin with age1"
    case .notBech32(let fault): fault.description
    case .upperCase: "it is in upper case"
    case .wrongSize(let count): "it holds \(count) bytes instead of 32"
    case .lowOrder: "it is a point of low order, for which anyone can decrypt"
    case .openSSL(let error): error.description
    }
  }

  /// What an operator can do about it.
  package var hint: String {
    switch self {
    case .otherKey(.identity), .otherKey(.pluginIdentity), .otherKey(.postQuantumIdentity):
      "Remove the private key from here, replace it if others could read it, and use the recipient "
        + "that `age-keygen -y` prints."
    case .otherKey(.postQuantumRecipient):
      "Use an X25519 recipient, age1…: post-quantum keys need OpenSSL 3.5, which Debian 12 does not "
        + "have."
    case .otherKey(.sshPublicKey), .otherKey(.pem):
      "Make a key pair with `age-keygen`, and use its recipient, age1…, in place of the SSH key."
    case .otherKey:
      "Use an X25519 recipient, age1…, as `age-keygen` makes them."
    case .openSSL: OpenSSLHint.text
    default:
      "Copy the whole recipient, age1… with 62 characters, as `age-keygen` prints it."
    }
  }
}

extension Bech32Fault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .mixedCase: "it mixes upper and lower case"
    case .foreignCharacter(let position):
      "its character \(position) cannot occur there"
    case .incomplete: "it is cut"
    case .wrongChecksum: "its checksum is wrong, so a character is wrong or missing"
    case .unusedBits: "its last bits are not zero"
    }
  }
}

enum OpenSSLHint {
  static let text =
    "Use an OpenSSL with its default provider: one that is limited to FIPS has neither X25519 nor "
    + "ChaCha20-Poly1305."
}
