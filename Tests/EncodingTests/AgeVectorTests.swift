// Age files known byte for byte. Each was decrypted by age 1.1.1 and by rage (pyrage 1.4.0).

import Digests
import Encoding
import EncodingTestSupport
import Testing
import TestSupport

@Suite struct `An age file under known randomness` {
  @Test func `of nothing is a header, a nonce and a tag`() throws {
    let file = try encrypt(
      [], for: [Vector.recipient1], random: Vector.randomness(recipientCount: 1))
    let header = """
      age-encryption.org/v1
      \(Vector.stanza1)--- qVzwHfCQXSMjHSrSyCqqmQ6KqQnB/1AQ07E+uPkQeXQ

      """
    #expect(String(decoding: file.prefix(168), as: UTF8.self) == header)
    #expect(Array(file[168..<184]) == Vector.payloadNonce)
    #expect(Hex.lowercase(file[184...]) == "02bb2f29209d6320af8bc64e017ee7eb")
    #expect(
      SHA256.digest(of: file).description
        == "4729065741422ed786e8d7a55c7082312ef9b6bb2bd9fd50aaa391c43ef8c159")
  }

  @Test func `for two recipients has a stanza for each`() throws {
    let file = try encrypt(
      Array("hello world\n".utf8), for: [Vector.recipient1, Vector.recipient2],
      random: Vector.randomness(recipientCount: 2))
    let header = """
      age-encryption.org/v1
      \(Vector.stanza1)-> X25519 Z13VdO13iTELPS52gfN5C0ZsdzsVIf7PNld5WDcepS8
      jsmdlN9wyB18n8iGr2rMAA1HbMvLrbgG82DqYafw/z4
      --- 223aa0D3Fi5gHdeOY1CyRxrIE6fQ5aVw2VEs3TtXjkY

      """
    #expect(String(decoding: file.prefix(266), as: UTF8.self) == header)
    #expect(
      SHA256.digest(of: file).description
        == "040aec06c84d51c5ab6cd6bdc9d090258b289fe2579e36f53a75dd06eb62a28b")
  }

  @Test(arguments: [
    (65_536, 65_736, "5ba2a8f3ac215339abc29d9ea960fd3862fa9e09a17480f8200b1ca11ffcb76f"),
    (65_537, 65_753, "341820c62efc463fe444260f338a1020b3f89d6aa7e9df3c742765af7e1ea099"),
    (131_072, 131_288, "f2b9dbba16eb2bc86fb08e788041adf6def4ca15ea16d114cb406b65c2b48368"),
  ])
  func `of whole chunks and one byte more`(count: Int, size: Int, digest: String) throws {
    let file = try encrypt(
      patternBytes(count), for: [Vector.recipient1],
      random: Vector.randomness(recipientCount: 1))
    #expect(file.count == size)
    #expect(SHA256.digest(of: file).description == digest)
  }

  @Test func `is the same however the plaintext is cut`() throws {
    let plaintext = patternBytes(131_072)
    for cut in [Cut.every(1000), .every(65_536), .every(65_537), .random(seed: 1)] {
      let file = try encrypt(
        plaintext, for: [Vector.recipient1], cut: cut,
        random: Vector.randomness(recipientCount: 1))
      #expect(
        SHA256.digest(of: file).description
          == "f2b9dbba16eb2bc86fb08e788041adf6def4ca15ea16d114cb406b65c2b48368")
    }
  }

  @Test func `differs from the next one where the randomness is not fixed`() throws {
    let first = try encrypt([1], for: [Vector.recipient1])
    let second = try encrypt([1], for: [Vector.recipient1])
    #expect(first.prefix(32) == second.prefix(32))  // version and the beginning of a stanza
    #expect(first[32..<64] != second[32..<64])
    #expect(first.suffix(33) != second.suffix(33))
  }

  /// What stands between the keys and the file, computed apart from it.
  @Test func `comes about by the known values of each step`() throws {
    func secret(_ bytes: [UInt8]) -> SecretBytes { unsafe SecretBytes(copying: bytes.span.bytes) }
    func hex(_ secret: borrowing SecretBytes) -> String {
      secret.withBytes { bytes in
        unsafe bytes.withUnsafeBytes { unsafe Hex.lowercase(Array($0)) }
      }
    }
    let ephemeral = try X25519PrivateKey(secret(Vector.ephemeral1))
    let share = ephemeral.publicKey
    #expect(
      Hex.lowercase(share.bytes)
        == "79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51a")
    let recipient = try X25519PrivateKey(secret([UInt8](0...31))).publicKey
    guard let agreed = try ephemeral.sharedSecret(with: recipient) else {
      Issue.record("no shared secret")
      return
    }
    #expect(hex(agreed) == "6d54cc9c397e31691401110f58da1e182a635d7e44c21dc2d7be93624652ab15")
    let wrap = try HKDFSHA256.derive(
      from: agreed, salt: share.bytes + recipient.bytes, info: "age-encryption.org/v1/X25519")
    #expect(hex(wrap) == "a3e7b010cd9a8b6d3d0b8167cfc10a29e4abae88ecd58f9f54d112321d7a6945")
    var cipher = try ChaCha20Poly1305(.seal, key: wrap)
    var body = SecretBytes(zeros: 32)
    let nonce = [UInt8](repeating: 0, count: 12)
    let fileKey = Vector.fileKey
    try unsafe cipher.seal(fileKey.span.bytes, nonce: nonce.span.bytes, into: &body)
    #expect(hex(body) == "0873d1d22083c56b16cc6bcefd21894acc540ff99b562d3201ec0c2d4c348428")
    let header = try HKDFSHA256.derive(from: secret(fileKey), salt: [], info: "header")
    #expect(hex(header) == "1876af0275c6545cefe8ee2ac0bf27b995b69ca5dad10886476d73e971c617f5")
    let payload = try HKDFSHA256.derive(
      from: secret(fileKey), salt: Vector.payloadNonce, info: "payload")
    #expect(hex(payload) == "6fdfc6c27cd81eaa2b5e642e071a9837f5be8eac25dd783f01276b2000d5818f")
  }
}
