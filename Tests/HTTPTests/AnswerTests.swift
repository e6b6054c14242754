// Answers in every framing that HTTP/1.1 has, whole and cut off at every byte.

import HTTP
import TestSupport
import Testing

@Suite struct `An answer` {
  typealias Framing = ScriptedServer.Answer.Framing

  private func response(
    to method: String = "GET", from actions: [ScriptedServer.Action]
  ) throws -> Response {
    let server = ScriptedServer { _ in ScriptedServer.Reply(actions) }
    return try Transport().send(Request(method, server.url), over: Connection())
  }

  private func failure(from actions: [ScriptedServer.Action]) -> TransferError? {
    #expect(throws: TransferError.self) { try response(from: actions) }
  }

  // MARK: Whole

  @Test(arguments: [Framing.contentLength, .chunked(size: 1), .chunked(size: 7), .untilClose])
  func `is whole in every framing`(framing: Framing) throws {
    let body = Array("{\"a\":\r\n\r\n[1, 2]}".utf8)
    let response = try response(from: [.response(200, body: body, framing: framing)])
    #expect(response.status == 200)
    #expect(response.body == body)
  }

  @Test(arguments: [Framing.contentLength, .chunked(size: 7), .untilClose])
  func `may be empty in every framing`(framing: Framing) throws {
    #expect(try response(from: [.response(200, framing: framing)]).body == [])
  }

  @Test(arguments: [200, 201, 204, 206, 304, 307, 400, 404, 409, 500, 503])
  func `has the status that the server gave it`(status: Int) throws {
    #expect(try response(from: [.response(status)]).status == status)
  }

  @Test func `to a HEAD has no body, whatever its length says`() throws {
    let response = try response(
      to: "HEAD", from: [.response(200, body: Array(repeating: 1, count: 1000))])
    #expect(response.headers["content-length"] == "1000")
    #expect(response.body == [])
  }

  @Test func `is the final one, not an interim one`() throws {
    let response = try response(from: [
      .send("HTTP/1.1 100 Continue\r\nx-interim: 1\r\n\r\n"),
      .send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), .pause(.milliseconds(20)),
      .response(201, headers: ["ETag": "\"1\""], text: "done"),
    ])
    #expect(response.status == 201)
    #expect(response.headers == ["ETag": "\"1\"", "Content-Length": "4"])
    #expect(response.body == Array("done".utf8))
  }

  @Test func `may end in trailers`() throws {
    let response = try response(from: [
      .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"),
      .send("2\r\nab\r\n0\r\nx-sum: 1\r\n\r\n"),
    ])
    #expect(response.body == Array("ab".utf8))
  }

  @Test func `may lack words beside its status`() throws {
    let response = try response(from: [.send("HTTP/1.1 204\r\n\r\n")])
    #expect(response.status == 204)
  }

  @Test func `may be of HTTP 1.0`() throws {
    let response = try response(from: [.send("HTTP/1.0 200 OK\r\n\r\nhello"), .close])
    #expect(response.body == Array("hello".utf8))
  }

  @Test func `may come a byte at a time`() throws {
    let response = try response(from: [
      .pace(bytes: 1, every: .milliseconds(1)), .response(200, text: "slow"),
    ])
    #expect(response.body == Array("slow".utf8))
  }

  @Test func `is not followed to another place`() throws {
    let elsewhere = ScriptedServer { _ in .response(200) }
    let response = try response(from: [.response(307, headers: ["Location": elsewhere.url])])
    #expect(response.status == 307)
    #expect(elsewhere.requests.isEmpty)
  }

  @Test func `that comes before the body was read ends the sending`() throws {
    let server = ScriptedServer(
      beforeBody: { _ in [.readBody(upTo: 1000), .response(503, text: "busy"), .close] },
      answering: { _ in .response(201) })
    let request = Request("PUT", server.url, body: Payload(Array(repeating: 7, count: 32 << 20)))
    let response = try Transport().send(request, over: Connection())
    #expect(response.status == 503)
    #expect(response.body == Array("busy".utf8))
  }

  // MARK: Broken

  @Test(arguments: 0..<43)
  func `cut off within its head or body is none`(count: Int) {
    let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".utf8)
    #expect(answer.count == 43)
    let error = failure(from: [.send(Array(answer.prefix(count))), .close])
    #expect(error?.kind == .cutShort || (count < 5 && error?.kind == .notHTTP), "\(error as Any)")
  }

  /// The last line end of the last chunk may be missing: all data is there.
  @Test(arguments: 0..<"4\r\nhell\r\n1\r\no\r\n0\r\n".utf8.count)
  func `cut off within its chunks is none`(count: Int) {
    let error = failure(from: [
      .response(200, body: Array("hello".utf8), framing: .chunked(size: 4), bodyLimit: count),
      .close,
    ])
    #expect(error?.kind == .cutShort, "\(error as Any)")
  }

  @Test(arguments: [Framing.contentLength, .chunked(size: 100), .untilClose])
  func `that ends in a reset is none`(framing: Framing) {
    let error = failure(from: [
      .response(200, body: Array(repeating: 1, count: 1000), framing: framing, bodyLimit: 500),
      .reset,
    ])
    #expect(error?.kind == .cutShort, "\(error as Any)")
  }

  @Test(arguments: [
    "4\r\nhell\r\nx\r\no\r\n0\r\n\r\n", "-1\r\nhello\r\n0\r\n\r\n", "hello",
    "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
  ])
  func `with chunks that make no sense is none`(chunks: String) {
    let error = failure(from: [
      .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)"), .close,
    ])
    #expect(error?.kind == .cutShort, "\(error as Any)")
  }

  @Test(arguments: [
    "SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "\u{0}\u{0}\u{12}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}",
    "<html>hello</html>\r\n\r\n", "HTTP/x banana\r\n\r\n", "HTTP/1.1 OK\r\n\r\n",
  ])
  func `that is not HTTP is refused`(bytes: String) {
    #expect(failure(from: [.send(bytes), .close])?.kind == .notHTTP)
  }

  @Test func `larger than it can rightly be is refused`() throws {
    let mebibyte = [UInt8](repeating: 1, count: 1 << 20)
    let head = ScriptedServer.Action.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    let whole = try response(from: [head, .sendRepeatedly(mebibyte, times: 16), .close])
    #expect(whole.body.count == 16 << 20)
    let error = failure(from: [head, .sendRepeatedly(mebibyte, times: 17), .close])
    #expect(error?.kind == .answerTooLarge)
  }
}
