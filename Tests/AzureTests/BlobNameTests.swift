// Which names and endpoints are taken, and what is said of the others.

import Azure
import HTTP
import Foundation
import Testing

@Suite struct `A container's name` {
  @Test(arguments: ["abc", "a1-b2", "0abc", String(repeating: "a", count: 63)])
  func `follows Azure's rule`(name: String) throws {
    #expect(try "\(ContainerName(name))" == name)
  }

  @Test(arguments: [
    "", "ab", "Abc", "a--b", "-ab", "ab-", "a_b", "a/b", "käse", String(repeating: "a", count: 64),
  ])
  func `is refused where it breaks the rule`(name: String) {
    #expect(throws: InvalidValue.self) { try ContainerName(name) }
  }

  @Test func `is quoted in the refusal, with the rule`() throws {
    let error = try #require(throws: InvalidValue.self) { try ContainerName("My_Backups") }
    #expect(
      error.description == "\"My_Backups\" is not the name of a container: 3 to 63 lower-case "
        + "letters, digits and single hyphens, with a letter or digit at both ends")
  }
}

@Suite struct `A blob prefix` {
  /// What the comment in Names.swift says, as the chart's schema says it.
  private static let grammar: NSRegularExpression? = {
    let character = #"[^/\\\x00-\x1f\x7f-\x9f]"#
    let last = #"[^./\\\x00-\x1f\x7f-\x9f]"#
    return try? NSRegularExpression(
      pattern: "^\(character)*\(last)(/\(character)*\(last))*/?\\z")
  }()

  private func fitsTheGrammar(_ text: String) throws -> Bool {
    let grammar = try #require(Self.grammar)
    let length = text.unicodeScalars.count - (text.unicodeScalars.last == "/" ? 1 : 0)
    let range = NSRange(location: 0, length: text.utf16.count)
    return length <= 498 && grammar.firstMatch(in: text, range: range) != nil
  }

  @Test(arguments: [
    "svc", "svc/", "a/b-2/c_3", ".hidden", "a.b/c.d", "käse/ö", "a b", "$root", "…",
    "a/\u{301}", String(repeating: "p", count: 498), String(repeating: "😀", count: 498) + "/",
  ])
  func `U14: is taken as its grammar says`(text: String) throws {
    #expect(try fitsTheGrammar(text))
    let prefix = try BlobPrefix(configured: text)
    #expect(!prefix.description.hasSuffix("/"))
    #expect(throws: Never.self) { try BlobName("\(prefix)/01ARZ3NDEKTSV4RRFFQ69G5FAV") }
  }

  @Test(arguments: [
    "svc.", "a./b", "svc./", "a..", ".", "..", "a/./b", "a/../b", "a./\u{301}", "",
    "/", "/a", "a//b", "a//", "a\\b", "a\\", "a\nb", "a\r\n", "a\u{85}b", "a\u{0}",
    String(repeating: "p", count: 499), String(repeating: "p", count: 499) + "/",
  ])
  func `U14: is refused where its grammar says so`(text: String) throws {
    #expect(try !fitsTheGrammar(text))
    #expect(throws: InvalidValue.self) { try BlobPrefix(configured: text) }
  }

  @Test(arguments: ["backups", "backups/", "a-b", String(repeating: "a", count: 63) + "/"])
  func `U14: stands beside a container's name, which may end in a slash as well`(text: String) {
    #expect(throws: Never.self) { try ContainerName(configured: text) }
  }

  @Test(arguments: ["$root", "backups//", "/backups", String(repeating: "a", count: 64), "a.b"])
  func `U14: stands beside a container's name that is refused`(text: String) {
    #expect(throws: InvalidValue.self) { try ContainerName(configured: text) }
  }
}

@Suite struct `A blob's name` {
  @Test(arguments: ["a", "prod/01JNABCDEF", "ä ö&'<>", "a//b", String(repeating: "x", count: 1024)])
  func `may hold nearly everything`(name: String) throws {
    #expect(try "\(BlobName(name))" == name)
  }

  @Test(arguments: [
    "", "a/", "a.", "a\u{7}b", "a/../b", "./a", String(repeating: "x", count: 1025),
    String(repeating: "a/", count: 254) + "a",
  ])
  func `is refused where a store or a path would change or refuse it`(name: String) {
    #expect(throws: InvalidValue.self) { try BlobName(name) }
  }
}

@Suite struct `A storage endpoint` {
  @Test func `is the public cloud's unless another is given`() throws {
    let endpoint = try StorageEndpoint(account: "backups1")
    #expect("\(endpoint.url)" == "https://backups1.blob.core.windows.net")
  }

  @Test(arguments: [
    ("https://acct.blob.core.chinacloudapi.cn", "https://acct.blob.core.chinacloudapi.cn"),
    ("https://acct.z12.blob.storage.azure.net/", "https://acct.z12.blob.storage.azure.net"),
    ("HTTPS://Backups.Example.com", "https://backups.example.com"),
    ("https://backups.example.com:8443", "https://backups.example.com:8443"),
    ("http://127.0.0.1:10000/devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1"),
    ("http://127.0.0.1:10000/devstoreaccount1/", "http://127.0.0.1:10000/devstoreaccount1"),
    ("http://[::1]:10000/devstoreaccount1", "http://[::1]:10000/devstoreaccount1"),
  ])
  func `is taken as Azure and its emulators show it`(text: String, url: String) throws {
    let endpoint = try StorageEndpoint(account: "devstoreaccount1", url: ServerURL(service: text))
    #expect("\(endpoint.url)" == url)
  }

  @Test(arguments: [
    "http://127.0.0.1:10000/a", "http://127.255.0.9", "HTTP://LOCALHOST:1", "http://[::1]:10000",
    "https://store.example.com",
  ])
  func `X8: that is this machine or encrypted cannot be read on the way`(text: String) throws {
    #expect(try !ServerURL(service: text).isReadableOnTheWay)
  }

  @Test(arguments: [
    "http://store.example.com", "http://127.evil.com", "http://localhost.evil.com",
    "http://10.0.0.1:10000/a", "http://127.0.0.1.evil.com", "http://[::2]", "http://[1::1]",
    "http://[::]", "http://azurite:10000/a",
  ])
  func `X8: that is another machine's plain http can be read on the way`(text: String) throws {
    #expect(try ServerURL(service: text).isReadableOnTheWay)
  }

  @Test(arguments: [
    ("acct.blob.core.windows.net", "must begin with https:// or http://"),
    ("ftp://acct.example.com", "must begin with https:// or http://"),
    ("https://", "is not a URL (No host part in the URL)"),
    ("https:///path", "would be read as https://path"),
    ("https://host:", "would be read as https://host"),
    ("https://host:65536", "Port number was not"),
    ("https://ho st", "a character that a URL cannot hold"),
    ("https://[zz]", "Bad IPv6 address"),
    ("http://127.1", "would be read as http://127.0.0.1"),
    ("https://host#part", "must not carry a fragment"),
    ("https://host/a b", "a character that a URL cannot hold"),
    ("https://host//a", "has a path"),
    ("https://host/a%41", "has a path"),
  ])
  func `is refused with the reason`(text: String, reason: String) throws {
    let error = try #require(throws: InvalidValue.self) { try ServerURL(service: text) }
    #expect(error.description.contains(reason))
    #expect(error.value == text.prefix { $0 != "#" })
  }

  @Test(arguments: [
    "https://user:hunter2@host", "https://host?sv=1&sig=hunter2", "https://u@host/?sig=hunter2",
  ])
  func `never repeats a password or a token`(text: String) throws {
    let error = try #require(throws: InvalidValue.self) { try ServerURL(service: text) }
    #expect(!error.description.contains("hunter2"))
    #expect(error.value.hasPrefix("https://host"))
  }

  @Test(arguments: ["other", "proxy/devstoreaccount1", "devstoreaccount1/devstoreaccount1"])
  func `needs the account's name for a path, or none`(path: String) throws {
    let url = try ServerURL(service: "http://127.0.0.1:10000/\(path)")
    let error = try #require(throws: InvalidValue.self) {
      try StorageEndpoint(account: "devstoreaccount1", url: url)
    }
    #expect(error.description.contains("whose path must be empty or its name"))
  }

  @Test(arguments: ["", "ab", "Backups", "my-account", "a.b", "a/b", "waytoolongforanaccountname"])
  func `takes an account that could be one`(account: String) {
    #expect(throws: InvalidValue.self) { try StorageEndpoint(account: account) }
  }

  @Test(arguments: ["", "a:b", "a/b", "a\nb"])
  func `takes no account that would break a header or a path`(account: String) throws {
    let url = try ServerURL(service: "https://backups.example.com")
    #expect(throws: InvalidValue.self) { try StorageEndpoint(account: account, url: url) }
  }
}

@Suite struct `A block id` {
  @Test func `is base64 of the run's id and the block's place`() {
    let id = BlockID(run: RunID(0x0123_4567_89ab_cdef), index: 42)
    // base64 of 0123456789abcdef-00042
    #expect("\(id)" == "MDEyMzQ1Njc4OWFiY2RlZi0wMDA0Mg==")
  }

  @Test func `has the same length whatever run and place`() {
    let ids = [(RunID(0), 0), (RunID(.max), 49_999), (RunID(7), 12_345)].map(BlockID.init)
    #expect(Set(ids.map(\.description.utf8.count)) == [32])
  }

  @Test func `U4: differs between any two runs`() {
    let one = (0..<1000).map { BlockID(run: RunID(1), index: $0) }
    let other = (0..<1000).map { BlockID(run: RunID(2), index: $0) }
    #expect(Set(one).isDisjoint(with: other))
    #expect(Set(one).count == 1000)
  }

  @Test func `comes with a new run id each time`() {
    #expect(RunID.random() != RunID.random())
    #expect("\(RunID(255))" == "00000000000000ff")
  }
}

@Suite struct `Metadata` {
  @Test func `that is not plain ASCII is percent-encoded`() {
    let metadata: BlobMetadata = [
      "version": "3.5.16", "place": "Zürich", "line": "a\r\nb", "blank": " a", "two": "a  b",
    ]
    #expect(
      metadata.fields == [
        "version": "3.5.16", "place": "Z%C3%BCrich", "line": "a%0D%0Ab", "blank": "%20a",
        "two": "a%20%20b",
      ])
  }
}

@Suite struct `An ETag` {
  @Test(arguments: ["\"0x8DD5\"", "0x8DD5"])
  func `is the same with and without its quotes`(text: String) {
    #expect(ETag(text)?.description == "0x8DD5")
  }

  @Test(arguments: ["", "\"\"", "a\r\nb", "a\"b", "a b"])
  func `that could not stand in a header field is none`(text: String) {
    #expect(ETag(text) == nil)
  }
}
