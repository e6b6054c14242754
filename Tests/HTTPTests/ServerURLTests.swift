// URLs of servers: what is checked is what is connected to.

import HTTP
import Testing

@Suite struct `A server's URL` {
  @Test(arguments: [
    ("https://example.com", "https://example.com", "example.com:443"),
    ("HTTP://Example.COM/", "http://example.com", "example.com:80"),
    ("https://a-b.c_d:8443/k8s/Clusters//", "https://a-b.c_d:8443/k8s/Clusters", "a-b.c_d:8443"),
    ("http://[FD00::1]:1/x", "http://[fd00::1]:1/x", "[fd00::1]:1"),
    ("https://10.0.0.1:443", "https://10.0.0.1:443", "10.0.0.1:443"),
  ])
  func `is scheme, host, port and path`(text: String, description: String, address: String) throws {
    let url = try ServerURL(text)
    #expect(url.description == description)
    #expect(url.address == address)
    #expect(url.origin + url.path == description)
  }

  @Test func `can name its port, and the same server otherwise`() throws {
    let url = try ServerURL("https://10.0.0.1/x")
    #expect(url.explicit().description == "https://10.0.0.1:443/x")
    #expect(url.explicit(named: "etcd").description == "https://etcd:443/x")
  }

  @Test(arguments: [
    ("http://127.1", "http://127.0.0.1"), ("http://0x7f000001:80", "http://127.0.0.1:80"),
    ("http://0127.0.0.1", "http://87.0.0.1"), ("http://[0::1]", "http://[::1]"),
    ("http:///host", "http://host"), ("http://host:", "http://host"),
    ("http://host:080", "http://host:80"), ("http://host:0", "http://host:0"),
    ("http://%68ost", "http://host"), ("http://host/a/../b", "http://host/b"),
    ("http://[fe80::1%25eth0]", "http://[fe80::1]"),
  ])
  func `is refused where libcurl would read it as another`(text: String, other: String) {
    #expect(throws: ServerURL.Fault.ambiguous(readAs: other)) { try ServerURL(text) }
  }

  static let faults: [(String, ServerURL.Fault)] = [
    ("", .scheme), ("host:1", .scheme), ("//host", .scheme), ("ftp://host", .scheme),
    ("http:/host", .scheme), (" http://host", .scheme), ("http://u@host", .user),
    ("http://u:p@host/?q", .user), ("http://@host", .user), ("http://host?", .query),
    ("http://host/a?b", .query), ("http://host#", .fragment), ("http://host/a#b", .fragment),
  ]

  @Test(arguments: faults)
  func `is nothing with a user, a query or a fragment`(text: String, fault: ServerURL.Fault) {
    #expect(throws: fault) { try ServerURL(text) }
  }

  @Test(arguments: [
    "http://", "http://ho st", "http://host ", "http://host\n", "http://h\u{0}", "http://é",
    "http://a,b", "http://[::1", "http://[]", "http://[zz]", "http://::1", "http://host:65536",
    "http://host:-1", "http://host:1a", "http://host/a\\b", "http://host/a\"b", "http://host%00",
  ])
  func `is nothing that is no URL`(text: String) throws {
    let fault = try #require(throws: ServerURL.Fault.self) { try ServerURL(text) }
    guard case .malformed = fault else {
      Issue.record("\(fault)")
      return
    }
  }

  @Test(arguments: [
    ("http://localhost", false), ("https://example.com", false), ("http://[::1]:1", false),
    ("http://127.0.0.1.example.com", true), ("http://10.0.0.1", true),
  ])
  func `tells what can be read on the way`(text: String, isReadable: Bool) throws {
    #expect(try ServerURL(text).isReadableOnTheWay == isReadable)
  }
}
