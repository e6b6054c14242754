// The programs age and zstd read what we write, and we read what they write.

import Encoding
import EncodingTestSupport
import Testing
import TestSupport

@Suite struct `The program age` {
  static let identityFiles = ["1.txt": Vector.identityText1, "2.txt": Vector.identityText2]

  @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 400_000])
  func `decrypts what we encrypt`(size: Int) throws {
    let plaintext = patternBytes(size)
    let file = try encrypt(
      plaintext, for: [Vector.recipient1, Vector.recipient2], cut: .random(seed: 5))
    for identity in ["1.txt", "2.txt"] {
      let back = try Program.age.run(
        ["-d", "-i", identity], input: file, files: Self.identityFiles)
      #expect(back == plaintext)
    }
  }

  @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 400_000])
  func `encrypts what we decrypt`(size: Int) throws {
    let plaintext = patternBytes(size)
    let file = try Program.age.run(
      ["-e", "-r", Vector.recipientText2, "-r", Vector.recipientText1], input: plaintext)
    for identity in [try Vector.identity1, try Vector.identity2] {
      #expect(try decrypt(file, with: [identity], cut: .random(seed: 6)).whole == plaintext)
    }
  }

  @Test func `reads the recipients' file that we read`() throws {
    let text = "# both\n\n\(Vector.recipientText1)\n\(Vector.recipientText2)\n"
    let file = try Program.age.run(["-e", "-R", "list"], input: [1, 2], files: ["list": text])
    #expect(try decrypt(file, with: [Vector.identity2]).whole == [1, 2])
    let bytes = Array(text.utf8)
    #expect(
      try unsafe AgeRecipient.file(bytes.span.bytes) == [Vector.recipient1, Vector.recipient2])
  }

  @Test func `writes text with --armor, which we refuse by name`() throws {
    let file = try Program.age.run(["-a", "-r", Vector.recipientText1], input: [1])
    #expect(decrypt(file, with: [try Vector.identity1]).error == .age(.armored))
  }

  @Test func `refuses what we refuse`() throws {
    let file = try encrypt(patternBytes(65_536), for: [Vector.recipient1])
    #expect(throws: Program.Failure.self) {
      try Program.age.run(
        ["-d", "-i", "1.txt"], input: Array(file.dropLast()), files: Self.identityFiles)
    }
    #expect(throws: Program.Failure.self) {
      try Program.age.run(["-d", "-i", "1.txt"], input: file + [0], files: Self.identityFiles)
    }
  }

  @Test func `makes keys that we read`() throws {
    let made = try Program(name: "age-keygen").run([], input: [])
    let identity = try #require(try unsafe AgeIdentity.file(made.span.bytes).first)
    let printed = try Program(name: "age-keygen").run(["-y"], input: made)
    #expect(String(decoding: printed, as: UTF8.self) == "\(identity.recipient)\n")
  }
}

@Suite struct `The program zstd` {
  @Test(arguments: [0, 1, 131_072, 1_000_000], [1, 3, 6])
  func `decompresses what we compress`(size: Int, level: Int) throws {
    let content = `A zstd frame`.content(size)
    let frame = try compress(content, level: level, cut: .random(seed: 7))
    #expect(try Program.zstd.run(["-d", "-q", "-c"], input: frame) == content)
  }

  @Test(arguments: [["-1"], ["-3"], ["-19"], ["--no-check"], ["-3", "-T2"], ["--fast=5"]])
  func `compresses what we decompress`(options: [String]) throws {
    for size in [0, 1, 3_000_000] {
      let content = `A zstd frame`.content(size)
      let frame = try Program.zstd.run(options + ["-q", "-c"], input: content)
      #expect(try decompress(frame, cut: .random(seed: 8)).whole == content)
    }
  }

  @Test func `may ask for a larger window than we allow`() throws {
    let frame = try Program.zstd.run(
      ["--ultra", "-20", "--zstd=wlog=24", "-q", "-c"], input: patternBytes(30_000))
    let outcome = decompress(frame)
    #expect(outcome == Outcome(released: [], error: .zstd(.windowTooLarge(limit: 8_388_608))))
  }
}

@Suite struct `A stream that is compressed and encrypted` {
  static let variants: [(level: Int?, recipients: [String])] = [
    (nil, []), (1, []), (nil, [Vector.recipientText1]), (3, [Vector.recipientText1]),
  ]

  @Test(arguments: 0..<variants.count, [0, 1, 200_000, 2_000_000])
  func `comes back, with each step and without`(variant: Int, size: Int) throws {
    let (level, texts) = Self.variants[variant]
    let content = `A zstd frame`.content(size)
    let stored = try encode(
      content, level: level, recipients: texts.map { try AgeRecipient($0) }, cut: .random(seed: 9))
    let back = decode(
      stored, identities: texts.isEmpty ? nil : [try Vector.identity1], isCompressed: level != nil,
      cut: .random(seed: 10))
    #expect(try back.whole == content)
    if level == nil, texts.isEmpty { #expect(stored == content) }
  }

  @Test func `says how long it is`() throws {
    var encoder = try StreamEncoder(compression: .fastest, recipients: [Vector.recipient1])
    let content = `A zstd frame`.content(500_000)
    var stored: [UInt8] = []
    try unsafe encoder.append(content.span.bytes) { bytes throws(CodingError) in
      collect(bytes, in: &stored)
    }
    #expect(encoder.encodedByteCount == UInt64(stored.count))
    let count = try encoder.finish { bytes throws(CodingError) in collect(bytes, in: &stored) }
    #expect(count == UInt64(stored.count))
  }

  @Test func `is read by hand with the usual programs`() throws {
    let content = `A zstd frame`.content(1_000_000)
    let stored = try encode(content, level: 1, recipients: [Vector.recipient1])
    let frame = try Program.age.run(
      ["-d", "-i", "1.txt"], input: stored, files: ["1.txt": Vector.identityText1])
    #expect(try Program.zstd.run(["-d", "-q", "-c"], input: frame) == content)
  }

  @Test func `is refused wherever it is cut`() throws {
    let content = `A zstd frame`.content(300_000)
    let stored = try encode(content, level: 1, recipients: [Vector.recipient1])
    for count in stride(from: 0, to: stored.count, by: 997) {
      let outcome = decode(
        Array(stored.prefix(count)), identities: [try Vector.identity1], isCompressed: true)
      #expect(outcome.error != nil)
      #expect(content.starts(with: outcome.released))
    }
  }
}
