// ChaCha20-Poly1305: what was sealed opens again, and nothing else does.

import Digests
import Testing

@Suite struct `ChaCha20-Poly1305` {
  let key = [UInt8](0..<32)
  let nonce = [UInt8](0..<12)

  func seal(_ plaintext: [UInt8]) throws -> [UInt8] {
    let key = key
    let nonce = nonce
    var cipher = try unsafe ChaCha20Poly1305(.seal, key: SecretBytes(copying: key.span.bytes))
    var output = SecretBytes(zeros: plaintext.count + ChaCha20Poly1305.tagByteCount)
    try unsafe cipher.seal(plaintext.span.bytes, nonce: nonce.span.bytes, into: &output)
    return output.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
  }

  func open(_ sealed: [UInt8], nonce: [UInt8]) throws -> [UInt8]? {
    let key = key
    var cipher = try unsafe ChaCha20Poly1305(.open, key: SecretBytes(copying: key.span.bytes))
    let count = sealed.count - ChaCha20Poly1305.tagByteCount
    var output = SecretBytes(zeros: max(count, 1))
    let isAuthentic = try unsafe cipher.open(
      sealed.span.bytes, nonce: nonce.span.bytes, into: &output)
    let bytes = output.withBytes { bytes in
      unsafe bytes.extracting(first: count).withUnsafeBytes { unsafe Array($0) }
    }
    if !isAuthentic { #expect(bytes.allSatisfy { $0 == 0 }, "plaintext that is not authentic") }
    return isAuthentic ? bytes : nil
  }

  @Test(arguments: [0, 1, 15, 16, 17, 64, 1000])
  func `opens what it sealed`(count: Int) throws {
    let plaintext = (0..<count).map { UInt8($0 % 256) }
    let sealed = try seal(plaintext)
    #expect(sealed.count == count + 16)
    #expect(try open(sealed, nonce: nonce) == plaintext)
  }

  @Test func `leaves nothing of a message that was altered`() throws {
    let sealed = try seal(Array("etcd".utf8))
    for index in sealed.indices {
      var altered = sealed
      altered[index] ^= 1
      #expect(try open(altered, nonce: nonce) == nil, "byte \(index)")
    }
    #expect(try open(sealed, nonce: [1] + nonce.dropFirst()) == nil)
  }
}

@Suite struct `Secret bytes` {
  @Test func `are compared whole`() {
    let pairs: [([UInt8], [UInt8], Bool)] = [
      ([], [], true), ([1, 2], [1, 2], true), ([1, 2], [1, 3], false), ([1, 2], [2, 2], false),
      ([1], [1, 2], false),
    ]
    for (left, right, areEqual) in pairs {
      #expect(unsafe ConstantTime.areEqual(left.span.bytes, right.span.bytes) == areEqual)
    }
  }

  @Test func `are drawn at random`() throws {
    var bytes = SecretBytes(zeros: 32)
    try SystemRandom().fill(&bytes)
    var other = SecretBytes(zeros: 32)
    try SystemRandom().fill(&other)
    let areEqual = bytes.withBytes { left in
      other.withBytes { right in ConstantTime.areEqual(left, right) }
    }
    #expect(!areEqual)
  }
}
