// What is wrong with an identity. No case carries its text.

package import Digests

package enum IdentityFault: Error, Equatable {
  case otherKey(OtherKey)
  /// It does not begin with `AGE-SECRET-KEY-`.
  case notIdentity
  case notBech32(Bech32Fault)
  case lowerCase
  case wrongSize(byteCount: Int)
  case openSSL(OpenSSLError)
}

extension IdentityFault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .otherKey(let other): "it is \(other)"
    case .notIdentity: "it does not begin with AGE-SECRET-KEY-1"
    case .notBech32(let fault): fault.description
    case .lowerCase: "it is in lower case"
    case .wrongSize(let count): "it holds \(count) bytes instead of 32"
    case .openSSL(let error): error.description
    }
  }

  /// What an operator can do about it.
  package var hint: String {
    switch self {
    case .otherKey(.recipient), .otherKey(.pluginRecipient):
      "Use the file that `age-keygen` wrote: its line AGE-SECRET-KEY-1… is the identity."
    case .otherKey(.encryptedFile):
      "Decrypt the identity file with `age -d` first."
    case .openSSL: OpenSSLHint.text
    default:
      "Use an X25519 identity, AGE-SECRET-KEY-1…, as `age-keygen` makes them."
    }
  }
}
