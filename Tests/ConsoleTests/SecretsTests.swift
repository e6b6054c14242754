// Known secrets of the run are taken out of everything that is printed, by value.

import Console
import Foundation
import Testing

@Suite struct `A secret of the run` {
  /// The registry is the process's: each test takes a value of its own.
  private func unique() -> String { "s/cr+t=\(UUID())&" }

  @Test func `X3: is redacted wherever it stands`() {
    let secret = unique()
    Secrets.register(secret)
    #expect(
      Secrets.redact("bad request: Authorization: Bearer \(secret), again \(secret)")
        == "bad request: Authorization: Bearer <redacted>, again <redacted>")
  }

  @Test func `X3: is redacted as a URL, base64 and JSON spell it`() throws {
    let secret = unique() + "\"\\"
    Secrets.register(secret)
    let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
    let base64 = Data(secret.utf8).base64EncodedString()
    let spellings = [
      try #require(secret.addingPercentEncoding(withAllowedCharacters: allowed)), base64,
      base64.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
        .replacingOccurrences(of: "=", with: ""),
      secret.replacingOccurrences(of: "\\", with: "\\\\")
        .replacingOccurrences(of: "\"", with: "\\\""),
    ]
    for spelling in spellings {
      #expect(Secrets.redact("a \(spelling) b").hasPrefix("a <redacted>"), "\(spelling)")
    }
  }

  /// What servers make of a value that they quote.
  static let spellings: [(name: String, spell: @Sendable (String) -> String)] = [
    ("by .NET", { $0.utf8.map { String(format: "\\u%04X", Int($0)) }.joined() }),
    ("by Go", { $0.utf8.map { String(format: "\\x%02x", Int($0)) }.joined() }),
    ("in lower case", { $0.utf8.map { String(format: "%%%02x", Int($0)) }.joined() }),
    ("in XML", { $0.utf8.map { "&#\(Int($0));" }.joined() }),
    ("in XML, hexadecimal", { $0.utf8.map { String(format: "&#x%X;", Int($0)) }.joined() }),
    ("with slashes escaped", { $0.replacingOccurrences(of: "/", with: "\\\\\\/") }),
    ("on lines", { $0.map { "\($0)\r\n" }.joined() }),
    ("on lines that are escaped", { $0.map { "\($0)\\n" }.joined() }),
    ("on lines that are escaped twice", { $0.map { "\($0)\\\\n" }.joined() }),
    ("in base64", { Data($0.utf8).base64EncodedString() }),
    ("in base64, behind a byte", { Data("1\($0)56".utf8).base64EncodedString() }),
    ("in base64, behind two", { Data("12\($0)56".utf8).base64EncodedString() }),
    (
      "in base64 on lines",
      { Data($0.utf8).base64EncodedString(options: [.lineLength64Characters]) }
    ),
  ]

  @Test(arguments: spellings.indices)
  func `X3: is redacted however a server spells it`(index: Int) {
    let (name, spell) = Self.spellings[index]
    let secret = unique()
    Secrets.register(secret)
    let redacted = Secrets.redact("a (\(spell(secret))) b")
    #expect(
      redacted == "a (<redacted>) b" || redacted == "a (<redacted>\r\n) b"
        || redacted.hasPrefix("a (<redacted>\\"), "\(name): \(redacted)")
  }

  @Test func `X3: that shares characters with another is redacted with it`() {
    let (first, second) = (unique(), unique())
    Secrets.register("a" + first)
    Secrets.register(first.suffix(9) + second)
    #expect(Secrets.redact("x a\(first)\(second) y") == "x <redacted> y")
  }

  @Test func `X3: that begins within an escape leaves JSON whole`() throws {
    let secret = unique()
    Secrets.register("n" + secret)
    Secrets.register(secret)
    let json = String(decoding: try JSONEncoder().encode(["a": "x\n\(secret)\"y"]), as: UTF8.self)
    let decoded = try JSONDecoder().decode(
      [String: String].self, from: Data(Secrets.redact(json: json).utf8))
    #expect(decoded == ["a": "x\n<redacted>\"y"])
  }

  @Test(arguments: ["a", "abc", "12345", ""])
  func `X3: that is part of ordinary words hides nothing`(secret: String) {
    Secrets.register(secret)
    #expect(Secrets.redact("abc 12345 a") == "abc 12345 a")
  }

  @Test func `X3: of a few letters is redacted as a word only`() {
    Secrets.register("zebra7")
    #expect(Secrets.redact("zebra7 zebra77 (zebra7)") == "<redacted> zebra77 (<redacted>)")
  }

  @Test func `X3: leaves keys and numbers of JSON as they are`() {
    Secrets.register("8123456789")
    #expect(
      Secrets.redact(json: #"{"8123456789":8123456789,"b":"x \" 8123456789"}"#)
        == #"{"8123456789":8123456789,"b":"x \" <redacted>"}"#)
  }

  @Test func `X3: is redacted line by line where it is a private key`() {
    let line = Data(UUID().uuidString.utf8).base64EncodedString()
    Secrets.registerPrivateKey(Array("-----BEGIN KEY-----\n\(line)\n-----END KEY-----\n".utf8))
    #expect(Secrets.redact("key: \(line)") == "key: <redacted>")
    #expect(Secrets.redact("-----BEGIN KEY-----") == "-----BEGIN KEY-----")
  }

  @Test(arguments: [
    "http://user:s/cret@proxy:3128", "htp://user:s/cret@proxy", "user:s/cret@proxy:port",
    "http://us%65r:s%2Fcret@proxy",
  ])
  func `K3: is redacted as a proxy's URL has it, also where that cannot be read`(url: String) {
    Secrets.registerProxy(url)
    let redacted = Secrets.redact("Unsupported proxy syntax in '\(url)': s/cret")
    #expect(!redacted.contains("cret"), "\(redacted)")
    #expect(redacted.contains("@proxy"))
  }

  @Test func `X3: of one request is remembered while answers to it may come`() {
    let first = unique()
    Secrets.registerPassing(first)
    #expect(Secrets.redact(first) == "<redacted>")
    for _ in 0..<100 { Secrets.registerPassing(unique()) }
    #expect(Secrets.redact(first) == first)
  }
}

@Suite struct `Text that is printed` {
  @Test(arguments: [
    ("\u{1B}[2J", "\\u001b[2J"), ("a\u{9B}31m", "a\\u009b31m"), ("\u{7F}", "\\u007f"),
    ("a\nb\r", "a\\u000ab\\u000d"), ("\u{202E}gpj.exe", "\\u202egpj.exe"),
    ("\u{2066}\u{200B}", "\\u2066\\u200b"), ("\u{2028}", "\\u2028"),
    ("\u{E0041}", "\\udb40\\udc41"), ("é ü 日本 🎉 \\ \"", "é ü 日本 🎉 \\ \""),
  ])
  func `X2: has nothing that a terminal obeys or does not show`(text: String, printed: String) {
    #expect(Printable.text(text) == printed)
  }

  @Test func `X2: as JSON still says the same`() throws {
    let text = try JSONEncoder().encode(["a": "\u{202E}\u{9B}\u{E0041}\u{7F}"])
    let printed = Printable.json(String(decoding: text, as: UTF8.self))
    #expect(printed.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    #expect(
      try JSONDecoder().decode([String: String].self, from: Data(printed.utf8))
        == ["a": "\u{202E}\u{9B}\u{E0041}\u{7F}"])
  }
}
