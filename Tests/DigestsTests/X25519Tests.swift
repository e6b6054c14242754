// X25519 against RFC 7748, section 6.1.

import Digests
import Testing

@Suite struct `X25519` {
  func bytes(_ hex: String) -> [UInt8] { SHA256Digest(hex: hex)?.bytes ?? [] }

  func key(_ hex: String) throws -> X25519PrivateKey {
    let scalar = bytes(hex)
    return try unsafe X25519PrivateKey(SecretBytes(copying: scalar.span.bytes))
  }

  func secret(_ key: borrowing X25519PrivateKey, _ point: X25519PublicKey) throws -> String? {
    guard let secret = try key.sharedSecret(with: point) else { return nil }
    return secret.withBytes { bytes in
      unsafe bytes.withUnsafeBytes { unsafe Hex.lowercase(Array($0)) }
    }
  }

  let bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"

  @Test func `has the public key and the shared secret of the vector`() throws {
    let bob = try key(bob)
    #expect(
      Hex.lowercase(bob.publicKey.bytes)
        == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    let alice = try #require(
      X25519PublicKey(bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")))
    #expect(
      try secret(bob, alice) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
  }

  @Test func `agrees on nothing with a point of low order`() throws {
    let bob = try key(bob)
    let one = try #require(X25519PublicKey([1] + [UInt8](repeating: 0, count: 31)))
    #expect(try secret(bob, one) == nil)
    #expect(try one.isOfLowOrder())
    #expect(try !bob.publicKey.isOfLowOrder())
  }

  @Test(arguments: [0, 31, 33])
  func `has points of 32 bytes`(count: Int) {
    #expect(X25519PublicKey([UInt8](repeating: 9, count: count)) == nil)
  }
}
