// Recipients and identities, and every mistake in their place.

import Digests
import Encoding
import EncodingTestSupport
import Testing

@Suite struct `A recipient` {
  func fault(_ text: String) -> RecipientFault? {
    do throws(RecipientFault) {
      _ = try AgeRecipient(text)
      return nil
    } catch {
      return error
    }
  }

  @Test func `is read and printed as age-keygen prints it`() throws {
    #expect(try Vector.recipient1.description == Vector.recipientText1)
    #expect(try Vector.recipient2.description == Vector.recipientText2)
  }

  @Test func `belongs to its identity`() throws {
    #expect(try Vector.identity1.recipient == Vector.recipient1)
    #expect(try Vector.identity2.recipient == Vector.recipient2)
  }

  @Test func `has a fingerprint of eight digits`() throws {
    // printf %s age13aqv… | sha256sum
    #expect(try Vector.recipient1.fingerprint == "6d152fa9")
  }

  @Test func `with any one character altered is refused`() {
    let text = Array(Vector.recipientText1)
    for index in text.indices {
      var altered = text
      altered[index] = altered[index] == "q" ? "p" : "q"
      #expect(fault(String(altered)) != nil, "character \(index)")
    }
  }

  @Test func `with two characters swapped has a wrong checksum`() {
    var text = Array(Vector.recipientText1)
    text.swapAt(20, 21)
    #expect(fault(String(text)) == .notBech32(.wrongChecksum))
  }

  @Test func `is whole`() {
    for count in 10..<Vector.recipientText1.count {
      #expect(fault(String(Vector.recipientText1.prefix(count))) == .notBech32(.wrongChecksum))
    }
    for count in 4..<10 {
      #expect(fault(String(Vector.recipientText1.prefix(count))) == .notBech32(.incomplete))
    }
    #expect(fault(Vector.recipientText1 + "q") == .notBech32(.wrongChecksum))
  }

  @Test func `is in lower case`() {
    #expect(fault(Vector.recipientText1.uppercased()) == .upperCase)
    let mixed = Vector.recipientText1.prefix(30) + Vector.recipientText1.dropFirst(30).uppercased()
    #expect(fault(String(mixed)) == .notBech32(.mixedCase))
  }

  @Test func `has characters of Bech32 only, and is told which one is not`() {
    var text = Array(Vector.recipientText1)
    text[10] = "b"
    #expect(fault(String(text)) == .notBech32(.foreignCharacter(position: 11)))
    text[10] = " "
    #expect(fault(String(text)) == .notBech32(.foreignCharacter(position: 11)))
  }

  @Test(arguments: [
    (Vector.identityText1, OtherKey.identity), (Vector.identityText1.lowercased(), .identity),
    ("AGE-SECRET-KEY-1", .identity), ("AGE-SECRET-KEY-PQ-1QQQ", .postQuantumIdentity),
    ("AGE-PLUGIN-YUBIKEY-1QQQ", .pluginIdentity), ("age1pq1qqqqqqqq", .postQuantumRecipient),
    ("age1tag1qqqqqqqq", .tagRecipient), ("age1tagpq1qqqqqqqq", .tagRecipient),
    ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", .sshPublicKey), ("ssh-rsa AAAA", .sshPublicKey),
    ("ecdsa-sha2-nistp256 AAAA", .sshPublicKey),
    ("-----BEGIN OPENSSH PRIVATE KEY-----", .pem),
  ])
  func `is not another key, which is named`(text: String, key: OtherKey) {
    #expect(fault(text) == .otherKey(key))
  }

  /// A plugin's recipient from the documentation of age-plugin-yubikey.
  @Test func `of a plugin is refused with the plugin's name`() {
    let text = "age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt"
    #expect(fault(text) == .otherKey(.pluginRecipient(name: "yubikey")))
  }

  @Test func `is no word`() {
    for text in [
      "", "etcd", "/run/secrets/recipients", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    ] {
      #expect(fault(text) == .notRecipient, "\(text)")
    }
  }

  /// Points on the curve and its twist whose order divides 8: 0, 1, two of order 8, p − 1, p, p + 1.
  @Test(arguments: [
    "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
    "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7vrya",
    "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt4v9",
    "age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz9ts6wm9s8",
    "age1anlllllllllllllllllllllllllllllllllllllllllllllllals4n2t7m",
    "age1ahlllllllllllllllllllllllllllllllllllllllllllllllalsn46ayy",
    "age1amlllllllllllllllllllllllllllllllllllllllllllllllalselrwrv",
  ])
  func `of low order is refused`(text: String) {
    #expect(fault(text) == .lowOrder)
  }

  @Test func `holds 32 bytes, and nothing in the bits behind them`() {
    #expect(
      fault("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqar9jk6")
        == .wrongSize(byteCount: 31))
    #expect(
      fault("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqpfwgqrs")
        == .notBech32(.unusedBits))
  }

  @Test func `never has a private key in its error`() {
    let faults = [
      fault(Vector.identityText1), fault(Vector.identityText1 + "q"),
      fault(" " + Vector.identityText1), fault("age1" + Vector.identityText1.lowercased()),
    ]
    for case let fault? in faults {
      let text = "\(fault) \(fault.hint) " + String(reflecting: fault)
      #expect(!text.lowercased().contains("qqqsyqcyq5rqwzq"))
    }
    #expect(!faults.contains(nil))
  }
}

@Suite struct `A list of recipients` {
  @Test(arguments: [
    "\(Vector.recipientText1),\(Vector.recipientText2)",
    "  \(Vector.recipientText1) \n\t\(Vector.recipientText2)\n",
    ",\(Vector.recipientText1), ,\(Vector.recipientText2),\(Vector.recipientText1)",
  ])
  func `is divided by commas and blanks, and has each once`(text: String) throws {
    #expect(try AgeRecipient.list(text) == [Vector.recipient1, Vector.recipient2])
  }

  @Test func `says which entry is of no use`() {
    #expect(throws: RecipientListError.faulty(.entry(2), .otherKey(.identity))) {
      try AgeRecipient.list("\(Vector.recipientText1), \(Vector.identityText1)")
    }
  }

  @Test(arguments: ["", " , ", "\n"])
  func `is not empty`(text: String) {
    #expect(throws: RecipientListError.empty) { try AgeRecipient.list(text) }
  }

  /// The hint tells what to do about each key that people mistake for a recipient.
  @Test(arguments: [
    (
      Vector.identityText1, "entry 1 cannot be used: it is a private key (an age identity)",
      "replace it"
    ),
    ("ssh-ed25519", "entry 1 cannot be used: it is an SSH public key", "age-keygen"),
    ("age1pq1qq", "entry 1 cannot be used: it is a post-quantum age recipient", "OpenSSL 3.5"),
    ("age1x", "entry 1 cannot be used: it is cut", "62 characters"),
    (",", "there is none in it", "at least one"),
  ])
  func `says what is wrong and what to do`(text: String, description: String, hint: String) throws {
    let error = try #require(throws: RecipientListError.self) { try AgeRecipient.list(text) }
    #expect(error.description == description)
    #expect(error.hint.contains(hint))
  }

  @Test func `in a file has comments and empty lines`() throws {
    let text = Array(
      "# backups\r\n\n \(Vector.recipientText1)\r\n#\(Vector.recipientText1)\n\(Vector.recipientText2)"
        .utf8)
    #expect(
      try unsafe AgeRecipient.file(text.span.bytes) == [Vector.recipient1, Vector.recipient2])
  }

  @Test func `in a file says which line is of no use`() {
    let text = Array("# a\n\(Vector.recipientText1)\n\(Vector.recipientText1) x\n".utf8)
    #expect(
      throws: RecipientListError.faulty(.line(3), .notBech32(.foreignCharacter(position: 63)))
    ) {
      try unsafe AgeRecipient.file(text.span.bytes)
    }
    let comment = Array("# nothing\n".utf8)
    #expect(throws: RecipientListError.empty) {
      try unsafe AgeRecipient.file(comment.span.bytes)
    }
  }
}

@Suite struct `An identity` {
  func fault(_ text: String) -> IdentityFault? {
    do {
      _ = try Vector.identity(text)
      return nil
    } catch {
      return error as? IdentityFault
    }
  }

  @Test func `cannot be printed`() throws {
    let identity = try Vector.identity1
    var dumped = ""
    dump([identity], to: &dumped)
    for text in [
      "\(identity)", String(reflecting: identity), String(describing: [identity]), dumped,
    ] {
      #expect(text.contains("<age identity>"))
      #expect(!text.contains("key"), "\(text)")
    }
  }

  @Test func `is in upper case`() {
    #expect(fault(Vector.identityText1.lowercased()) == .lowerCase)
    #expect(fault("age" + Vector.identityText1.dropFirst(3)) == .notBech32(.mixedCase))
  }

  @Test func `is whole`() {
    #expect(fault(String(Vector.identityText1.dropLast())) == .notBech32(.wrongChecksum))
    #expect(fault("AGE-SECRET-KEY-1") == .notBech32(.incomplete))
    #expect(fault("AGE-SECRET-KEY-") == .notBech32(.incomplete))
  }

  @Test(arguments: [
    (Vector.recipientText1, OtherKey.recipient),
    ("AGE-SECRET-KEY-PQ-1QQQ", .postQuantumIdentity), ("AGE-PLUGIN-X-1QQQ", .pluginIdentity),
    ("-----BEGIN OPENSSH PRIVATE KEY-----", .pem), ("age-encryption.org/v1", .encryptedFile),
    ("-----BEGIN AGE ENCRYPTED FILE-----", .encryptedFile),
  ])
  func `is not another key, which is named`(text: String, key: OtherKey) {
    #expect(fault(text) == .otherKey(key))
  }

  @Test func `is no word`() {
    #expect(fault("etcd") == .notIdentity)
    #expect(fault("") == .notIdentity)
  }

  @Test func `stands in a file as age-keygen writes it, beside others`() throws {
    let text = Array(
      """
      # created: 2026-01-01T00:00:00Z
      # public key: \(Vector.recipientText1)
      \(Vector.identityText1)

      \(Vector.identityText2)
      """.utf8)
    let identities = try unsafe AgeIdentity.file(text.span.bytes)
    #expect(try identities.map(\.recipient) == [Vector.recipient1, Vector.recipient2])
  }

  @Test func `in a file is told by its line`() {
    let text = Array("\(Vector.identityText1)\n\(Vector.recipientText1)\n".utf8)
    #expect(throws: IdentityListError.faulty(.line(2), .otherKey(.recipient))) {
      _ = try unsafe AgeIdentity.file(text.span.bytes)
    }
    let empty: [UInt8] = []
    let error = #expect(throws: IdentityListError.empty) {
      _ = try unsafe AgeIdentity.file(empty.span.bytes)
    }
    #expect(error?.hint.contains("age-keygen") == true)
  }

  @Test func `is wiped from the bytes that it was read from`() {
    var bytes = Array(Vector.identityText1.utf8)
    SecretBytes.wipe(&bytes)
    #expect(bytes.isEmpty)
  }
}
