// What was encrypted is decrypted again: any size, any cut.

import Digests
import Encoding
import EncodingTestSupport
import Testing
import TestSupport

@Suite struct `An age file` {
  static let sizes = [
    0, 1, 15, 16, 65_535, 65_536, 65_537, 65_552, 131_071, 131_072, 131_073, 196_608, 300_000,
  ]

  @Test(arguments: sizes)
  func `gives back the plaintext, however both ways are cut`(size: Int) throws {
    let plaintext = patternBytes(size)
    let identities = [try Vector.identity1]
    for (seed, cut) in [Cut.whole, .every(7777), .every(65_552), .random(seed: 2)].enumerated() {
      let file = try encrypt(plaintext, for: [Vector.recipient1], cut: cut)
      for back in [cut, .every(65_553), .random(seed: UInt64(seed))] {
        #expect(try decrypt(file, with: identities, cut: back).whole == plaintext)
      }
    }
  }

  @Test func `is read byte by byte as well`() throws {
    let plaintext = patternBytes(65_600)
    let file = try encrypt(plaintext, for: [Vector.recipient1], cut: .every(1))
    #expect(try decrypt(file, with: [Vector.identity1], cut: .every(1)).whole == plaintext)
  }

  @Test(arguments: sizes)
  func `is as long as was computed before`(size: Int) throws {
    let one = try encrypt(patternBytes(size), for: [Vector.recipient1])
    #expect(
      UInt64(one.count) == AgeEncryptor.byteCount(ofPlaintext: UInt64(size), recipientCount: 1))
    let two = try encrypt(patternBytes(size), for: [Vector.recipient1, Vector.recipient2])
    #expect(
      UInt64(two.count) == AgeEncryptor.byteCount(ofPlaintext: UInt64(size), recipientCount: 2))
  }

  @Test func `opens for each of its recipients, and for any of several identities`() throws {
    let file = try encrypt([1, 2, 3], for: [Vector.recipient1, Vector.recipient2])
    #expect(try decrypt(file, with: [Vector.identity1]).whole == [1, 2, 3])
    #expect(try decrypt(file, with: [Vector.identity2]).whole == [1, 2, 3])
    let single = try encrypt([4], for: [Vector.recipient2])
    #expect(try decrypt(single, with: [Vector.identity1, Vector.identity2]).whole == [4])
  }

  @Test func `does not open for another identity`() throws {
    let file = try encrypt([1], for: [Vector.recipient1])
    let outcome = decrypt(file, with: [try Vector.identity2])
    #expect(outcome.error == .age(.noIdentityMatches(recipients: 1, otherKinds: [])))
    #expect(outcome.released.isEmpty)
    #expect(decrypt(file, with: []).error == outcome.error)
  }

  @Test func `is not made for nobody`() {
    #expect(throws: AgeError.noRecipients) { try encrypt([1], for: []) }
  }

  @Test func `passes on each chunk as soon as more bytes follow it`() throws {
    var encryptor = try AgeEncryptor(for: [Vector.recipient1])
    var sizes: [Int] = []
    let piece = patternBytes(65_536)
    for _ in 0..<3 {
      try unsafe encryptor.append(piece.span.bytes) { bytes throws(CodingError) in
        sizes.append(bytes.byteCount)
      }
    }
    #expect(sizes == [184, 65_552, 65_552])
  }

  @Test func `ends before a nonce would be used twice`() throws {
    var nonce = ChunkNonce(chunk: .max - 1)
    #expect(Hex.lowercase(nonce.bytes(isLast: false)) == "000000fffffffffffffffe00")
    try nonce.advance()
    #expect(Hex.lowercase(nonce.bytes(isLast: true)) == "000000ffffffffffffffff01")
    #expect(throws: AgeError.tooManyChunks) { try nonce.advance() }
  }

  @Test func `stops where its sink fails, both ways, and goes no further`() throws {
    let plaintext = patternBytes(200_000)
    var encryptor = try AgeEncryptor(for: [Vector.recipient1])
    #expect(throws: Full()) {
      try unsafe encryptor.append(plaintext.span.bytes) { _ throws(Full) in throw Full() }
    }
    #expect(throws: CodingError.age(.usedAfterError)) {
      try unsafe encryptor.append(plaintext.span.bytes) { _ throws(CodingError) in }
    }
    let file = try encrypt(plaintext, for: [Vector.recipient1])
    var decryptor = AgeDecryptor(with: [try Vector.identity1])
    #expect(throws: Full()) {
      try unsafe decryptor.append(file.span.bytes) { _ throws(Full) in throw Full() }
    }
    #expect(throws: CodingError.age(.usedAfterError)) {
      try unsafe decryptor.append(file.span.bytes) { _ throws(CodingError) in }
    }
  }
}
