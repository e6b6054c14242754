/// What goes out on the wire, byte for byte.

import HTTP
import TestSupport
import Testing

@Suite struct `A request` {
  @Test func `of its own adds nothing but Host and User-Agent`() throws {
    let server = ScriptedServer { _ in .response(200, text: "hello") }
    let transport = Transport()
    let response = try transport.send(Request("GET", "\(server.url)/a/b?c=d%2Fe"), over: .init())
    #expect(response.status == 200)
    #expect(response.body == Array("hello".utf8))
    #expect(
      server.requests.map(\.head) == [
        "GET /a/b?c=d%2Fe HTTP/1.1\r\nHost: \(server.address)\r\nUser-Agent: etcd-backup\r\n\r\n"
      ])
  }
}
