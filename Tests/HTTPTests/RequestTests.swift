// What goes out on the wire, byte for byte.

import HTTP
import TestSupport
import Testing

@Suite struct `A request` {
  /// The one request that the server saw.
  private func sent(
    _ method: String, path: String = "/", headers: Headers = [:], body: Payload? = nil
  ) throws -> (head: String, body: [UInt8], address: String) {
    let server = ScriptedServer { _ in .response(200) }
    let request = Request(method, server.url + path, headers: headers, body: body)
    _ = try Transport().send(request, over: Connection())
    let requests = server.requests
    try #require(requests.count == 1)
    return (requests[0].head, requests[0].body, server.address)
  }

  @Test(arguments: ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"])
  func `without a body adds nothing but Host and User-Agent`(method: String) throws {
    let (head, body, address) = try sent(method, path: "/a/b?c=d%2Fe")
    #expect(
      head == "\(method) /a/b?c=d%2Fe HTTP/1.1\r\nHost: \(address)\r\n"
        + "User-Agent: etcd-backup\r\n\r\n")
    #expect(body.isEmpty)
  }

  @Test(arguments: ["PUT", "POST", "PATCH"])
  func `with an empty payload says that its length is 0`(method: String) throws {
    let (head, _, address) = try sent(method, body: Payload([]))
    #expect(
      head == "\(method) / HTTP/1.1\r\nHost: \(address)\r\nUser-Agent: etcd-backup\r\n"
        + "Content-Length: 0\r\n\r\n")
  }

  /// Around the sizes from which libcurl likes to ask with `Expect: 100-continue`.
  @Test(arguments: ["PUT", "POST"], [1, 1024, 1024 * 1024 + 1, 9_000_000])
  func `with a body has no Expect, no Accept and no Content-Type`(method: String, count: Int) throws
  {
    let bytes = patternBytes(count)
    let (head, body, address) = try sent(method, body: Payload(bytes))
    #expect(
      head == "\(method) / HTTP/1.1\r\nHost: \(address)\r\nUser-Agent: etcd-backup\r\n"
        + "Content-Length: \(count)\r\n\r\n")
    #expect(body == bytes)
  }

  @Test func `sends its header fields in their order, empty ones too`() throws {
    let headers: Headers = [
      "x-ms-date": "Sat, 01 Mar 2025 02:03:04 GMT", "Content-Type": "application/xml",
      "x-empty": "", "If-None-Match": "*",
    ]
    let (head, body, address) = try sent("PUT", headers: headers, body: Payload("<a/>".utf8))
    #expect(
      head == "PUT / HTTP/1.1\r\nHost: \(address)\r\nUser-Agent: etcd-backup\r\n"
        + "x-ms-date: Sat, 01 Mar 2025 02:03:04 GMT\r\nContent-Type: application/xml\r\n"
        + "x-empty:\r\nIf-None-Match: *\r\nContent-Length: 4\r\n\r\n")
    #expect(body == Array("<a/>".utf8))
  }

  @Test(arguments: ["/a/../b/./c", "/%2e%2E/x", "//a", "/a%2Fb%3Fc?x=%2B&y=a+b&z"])
  func `goes to its URL as it stands`(path: String) throws {
    #expect(try sent("GET", path: path).head.hasPrefix("GET \(path) HTTP/1.1\r\n"))
  }

  @Test func `is summed up without its query`() {
    let request = Request("PUT", "https://a.example/c/b?sig=secret&x=?")
    #expect(request.summary == "PUT https://a.example/c/b")
  }
}
