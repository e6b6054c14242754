// Headers as the format allows them, and as it does not. Each has the right authentication code, unless a
// test says otherwise.

import Encoding
import EncodingTestSupport
import Testing

@Suite struct `The header of an age file` {
  func outcome(_ change: (inout HandmadeFile) -> Void) throws -> Outcome {
    var file = HandmadeFile(chunks: [[7]])
    change(&file)
    return decrypt(try file.bytes, with: [try Vector.identity1])
  }

  func error(_ change: (inout HandmadeFile) -> Void) throws -> AgeError? {
    guard case .age(let error) = try outcome(change).error else { return nil }
    return error
  }

  @Test(arguments: [
    "-> other\n\n", "-> other a b c\nAAAA\n", "-> x-grease %&/()=?\n\n",
    "-> other\n" + String(repeating: "A", count: 64) + "\n\n",
    "-> other\n" + String(repeating: "A", count: 64) + "\nAA\n",
  ])
  func `may have stanzas of kinds that we do not know`(stanza: String) throws {
    #expect(try outcome { $0.stanzas = stanza + $0.stanzas }.whole == [7])
    #expect(try outcome { $0.stanzas += stanza }.whole == [7])
  }

  @Test func `may have the same recipient twice`() throws {
    #expect(try outcome { $0.stanzas += $0.stanzas }.whole == [7])
  }

  @Test func `is authenticated`() throws {
    #expect(
      try error { $0.footer = { _ in " " + String(repeating: "A", count: 43) + "\n" } }
        == .alteredHeader)
    // A stanza more, and the code of the header without it.
    var file = HandmadeFile(chunks: [[7]])
    let good = try file.bytes
    file.stanzas = "-> other\n\n" + file.stanzas
    var bytes = try file.bytes
    bytes.replaceSubrange(
      22 + 10 + 98 + 4..<22 + 10 + 98 + 47, with: good[22 + 98 + 4..<22 + 98 + 47])
    #expect(decrypt(bytes, with: [try Vector.identity1]).error == .age(.alteredHeader))
  }

  @Test(arguments: [
    ("-> other\nAAA=\n", HeaderFault.body), ("-> other\nAB\n", .body), ("-> other\nAAAAA\n", .body),
    ("-> other\nA A\n", .body), ("-> other\n" + String(repeating: "A", count: 65) + "\n", .body),
    ("-> other\nAAAA\r\n", .body), ("-> other\n\r\n", .body),
  ])
  func `has bodies in canonical base64 only`(stanza: String, fault: HeaderFault) throws {
    #expect(try error { $0.stanzas = stanza } == .malformedHeader(line: 3, fault))
  }

  @Test(arguments: ["-> \n\n", "->  other\n\n", "-> other \n\n", "-> öther\n\n", "-> a\u{1}\n\n"])
  func `has visible characters as arguments only`(stanza: String) throws {
    #expect(try error { $0.stanzas = stanza } == .malformedHeader(line: 2, .stanza))
  }

  @Test(arguments: ["->other\n\n", "\n", "--\n", "other\n", "- > other\n\n"])
  func `has stanzas and a footer only`(line: String) throws {
    #expect(try error { $0.stanzas = line } == .malformedHeader(line: 2, .line))
  }

  @Test func `has at least one stanza`() throws {
    #expect(try error { $0.stanzas = "" } == .malformedHeader(line: 2, .footer))
  }

  @Test func `has one code of 32 bytes behind one blank`() throws {
    let footers: [(String) -> String] = [
      { "\($0)\n" }, { "  \($0)\n" }, { " \($0)=\n" }, { " \($0)\r\n" }, { " \($0) \n" },
      { " \($0.dropLast())\n" }, { _ in " \n" }, { _ in "\n" },
    ]
    for footer in footers {
      #expect(
        try error { $0.footer = footer } == .malformedHeader(line: 4, .footer),
        "\(footer("CODE"))")
    }
  }

  @Test(arguments: [
    "-> X25519\nAAAA\n",
    "-> X25519 eaYx7t4b+cmPEgMs3q3Q56B5OY/HhriMyEbsia+FpRo more\n"
      + "CHPR0iCDxWsWzGvO/SGJSsxUD/mbVi0yAewMLUw0hCg\n",
    "-> X25519 eaYx7t4b+cmPEgMs3q3Q56B5OY/HhriMyEbsia+FpRp\n"  // unused bits
      + "CHPR0iCDxWsWzGvO/SGJSsxUD/mbVi0yAewMLUw0hCg\n",
    "-> X25519 eaYx7t4b+cmPEgMs3q3Q56B5OY/HhriMyEbsia+FpRo=\n"
      + "CHPR0iCDxWsWzGvO/SGJSsxUD/mbVi0yAewMLUw0hCg\n",
    "-> X25519 eaYx7t4b+cmPEgMs3q3Q56B5OY/HhriMyEbsia+FpA\n"
      + "CHPR0iCDxWsWzGvO/SGJSsxUD/mbVi0yAewMLUw0hCg\n",
    "-> X25519 eaYx7t4b+cmPEgMs3q3Q56B5OY/HhriMyEbsia+FpRo\nCHPR0iCDxWsWzGvO/SGJSsxUD/mbVi0yAewMLUw0\n",
    "-> X25519 eaYx7t4b+cmPEgMs3q3Q56B5OY/HhriMyEbsia+FpRo\n\n",
  ])
  func `has X25519 stanzas of one share and one body of 32 bytes`(stanza: String) throws {
    #expect(
      try error { $0.stanzas += stanza } == .malformedHeader(line: 5, .x25519Stanza))
  }

  @Test func `names its kinds exactly`() throws {
    #expect(
      try error { $0.stanzas = $0.stanzas.replacing("X25519", with: "x25519") }
        == .noIdentityMatches(recipients: 0, otherKinds: ["x25519"]))
  }

  @Test(arguments: [
    // 0, 1, a point of order 8, and p.
    [UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31),
    [0xED] + [UInt8](repeating: 0xFF, count: 30) + [0x7F],
  ])
  func `has no share of low order`(point: [UInt8]) throws {
    let stanza =
      "-> X25519 \(HandmadeFile.base64(point))\n" + String(repeating: "A", count: 43) + "\n"
    #expect(try error { $0.stanzas = stanza + $0.stanzas } == .lowOrderShare)
  }

  @Test func `for a passphrase is not for us`() throws {
    let stanza = "-> scrypt rF0/NwblUHHTpgQgRpe5CQ 10\nAAAA\n"
    #expect(try error { $0.stanzas = stanza } == .passphrase)
    #expect(
      try error { $0.stanzas += stanza } == .malformedHeader(line: 5, .scryptBesideOthers))
    #expect(
      try error { $0.stanzas = stanza + $0.stanzas }
        == .malformedHeader(line: 5, .scryptBesideOthers))
  }

  @Test(arguments: [
    ("age-encryption.org/v2\n", AgeError.unknownVersion),
    ("age-encryption.org/v1\r\n", .unknownVersion), ("age-encryption.org/v11\n", .unknownVersion),
    ("age-encryption.org\n", .notAge), ("\n", .notAge), ("age\n", .notAge),
    (" age-encryption.org/v1\n", .notAge), ("\u{28}\u{B5}/\u{FD} and more of zstd", .notAge),
    ("-----BEGIN AGE ENCRYPTED FILE-----\n", .armored),
  ])
  func `begins with the version`(version: String, error: AgeError) throws {
    #expect(try self.error { $0.version = version } == error)
  }

  @Test func `tells a cut file from one of another kind`() throws {
    let identities = [try Vector.identity1]
    let file = try HandmadeFile(chunks: [[7]]).bytes
    #expect(decrypt([], with: identities).error == .age(.truncatedHeader))
    #expect(decrypt(Array(file.prefix(10)), with: identities).error == .age(.truncatedHeader))
    #expect(decrypt(Array(file.prefix(100)), with: identities).error == .age(.truncatedHeader))
    #expect(decrypt(Array("etcd".utf8), with: identities).error == .age(.notAge))
  }

  @Test func `takes 64 KiB of memory at most`() throws {
    let stanza =
      "-> other\n" + String(repeating: String(repeating: "A", count: 64) + "\n", count: 1100)
    #expect(try error { $0.stanzas = stanza } == .headerTooLong(limit: 65_536))
    let line = "-> " + String(repeating: "a", count: 70_000)
    #expect(try error { $0.stanzas = line } == .headerTooLong(limit: 65_536))
    let most = String(repeating: Vector.stanza1, count: 667)
    #expect(try outcome { $0.stanzas = most }.whole == [7])
  }

  @Test func `cuts what a file names in an error`() throws {
    let stanzas = (1...9).map { "-> \(String(repeating: "k", count: 1000))\($0)\n\n" }.joined()
    let error = try #require(try error { $0.stanzas = stanzas })
    #expect(error.description.utf8.count < 250)
  }
}
