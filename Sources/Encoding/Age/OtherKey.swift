// Keys that are not X25519 keys of age of the kind that is wanted.

/// What a text is in place of a recipient or an identity; known by how it begins.
package enum OtherKey: Equatable, Sendable {
  case identity
  case pluginIdentity
  case postQuantumIdentity
  case recipient
  case postQuantumRecipient
  /// A key in hardware, of age 1.3.
  case tagRecipient
  case pluginRecipient(name: String)
  case sshPublicKey
  /// A text in PEM: of SSH's private keys, for one.
  case pem
  /// An identity file that is itself encrypted.
  case encryptedFile

  /// Returns `nil` for what may be an X25519 recipient.
  init?(_ text: RawSpan) {
    let beginnings: [(String, OtherKey)] = [
      ("age-secret-key-pq-", .postQuantumIdentity), ("age-secret-key-", .identity),
      ("age-plugin-", .pluginIdentity), ("age1pq1", .postQuantumRecipient),
      ("age1tag1", .tagRecipient), ("age1tagpq1", .tagRecipient), ("ssh-", .sshPublicKey),
      ("ecdsa-sha2-", .sshPublicKey), ("sk-ssh-", .sshPublicKey), ("sk-ecdsa-", .sshPublicKey),
      ("age-encryption.org/", .encryptedFile), ("-----begin age encrypted", .encryptedFile),
      ("-----begin ", .pem),
    ]
    guard let found = beginnings.first(where: { text.begins(with: $0.0) }) else { return nil }
    self = found.1
  }

  /// A recipient of a plugin is Bech32 whose prefix is `age1` and the plugin's name.
  init?(pluginRecipientPrefix prefix: String) {
    guard prefix.hasPrefix("age1"), prefix.utf8.count > 4 else { return nil }
    self = .pluginRecipient(name: String(prefix.dropFirst(4)))
  }
}

extension OtherKey: CustomStringConvertible {
  package var description: String {
    switch self {
    case .identity: "a private key (an age identity)"
    case .pluginIdentity: "an identity of an age plugin"
    case .postQuantumIdentity: "a post-quantum age identity"
    case .recipient: "a recipient (a public key of age)"
    case .postQuantumRecipient: "a post-quantum age recipient"
    case .tagRecipient: "an age recipient for a key in hardware"
    case .pluginRecipient(let name): "a recipient of the age plugin \"\(name)\""
    case .sshPublicKey: "an SSH public key"
    case .pem: "a key or certificate in PEM"
    case .encryptedFile: "an encrypted file"
    }
  }
}
