// X4: what a server may send, beside a body that is wanted, is bounded.

import HTTP
import TestSupport
import Testing

@Suite struct `The memory that an answer takes` {
  private func result(
    _ actions: [ScriptedServer.Action], limit: Int = Transport.largestAnswer
  ) throws(TransferError) -> Response {
    let server = ScriptedServer { _ in ScriptedServer.Reply(actions) }
    return try Transport().send(
      Request("GET", server.url), over: Connection(), limit: limit)
  }

  private static let fields = String(repeating: "X-A: b\r\n", count: 100_000)

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n",
  ])
  func `X4 is bounded for heads and trailers`(opening: String) throws {
    let error = try #require(throws: TransferError.self) {
      try result([.send(opening), .send(Self.fields), .hold])
    }
    #expect(error.kind == .answerTooLarge)
    #expect(error.detail.contains("header and trailer fields"))
  }

  @Test func `X4 is bounded for a body by what is asked for`() throws {
    let body = String(repeating: "x", count: 1001)
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + body
    #expect(try result([.send(answer)], limit: 1001).body.count == 1001)
    let error = try #require(throws: TransferError.self) {
      try result([.send(answer)], limit: 1000)
    }
    #expect(error.kind == .answerTooLarge)
  }

  @Test func `X4 is bounded for a refusal, which is told all the same`() throws {
    let body = String(repeating: "x", count: 5_000_000)
    let answer = try result([
      .send("HTTP/1.1 503 Busy\r\nContent-Length: 5000000\r\n\r\n"), .send(body), .hold,
    ])
    #expect(answer.status == 503)
    #expect(answer.body.count == 64 << 10)
  }
}
