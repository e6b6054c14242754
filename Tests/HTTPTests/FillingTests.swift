// Answers that carry a part of something into memory that is kept however they end.

import HTTP
import TestSupport
import Testing

@Suite struct `Filling a payload` {
  private let body = patternBytes(100_000)

  private func fill(
    _ payload: Payload, from server: ScriptedServer
  ) -> Result<Response, TransferError> {
    let transport = Transport()
    let exchange = transport.start(
      Request("GET", server.url), over: Connection(), filling: payload)
    defer { transport.cancel(exchange) }
    return Result { () throws(TransferError) in try transport.finish(exchange) }
  }

  private func bytes(of payload: Payload) -> [UInt8] {
    payload.withBytes { unsafe $0.withUnsafeBytes { unsafe Array($0) } }
  }

  @Test func `appends the body of a 206`() throws {
    let server = ScriptedServer { [body] _ in .response(206, body: body) }
    let payload = Payload(capacity: body.count + 3)
    let beginning: [UInt8] = [1, 2, 3]
    _ = unsafe payload.append(beginning.span.bytes)
    let answer = try fill(payload, from: server).get()
    #expect(answer.body.isEmpty)
    #expect(bytes(of: payload) == [1, 2, 3] + body)
  }

  @Test func `keeps what came before the connection broke`() throws {
    let server = ScriptedServer { [body] _ in
      [.response(206, body: body, bodyLimit: 40_000), .close]
    }
    let payload = Payload(capacity: body.count)
    guard case .failure(let error) = fill(payload, from: server) else {
      Issue.record("an answer cut short was taken for a whole one")
      return
    }
    #expect(error.kind == .cutShort)
    #expect(bytes(of: payload) == Array(body[..<40_000]))
  }

  @Test(arguments: [200, 404, 500])
  func `leaves the memory alone for any other answer, whose body is kept apart`(status: Int) throws
  {
    let server = ScriptedServer { [body] _ in .response(status, body: body) }
    let payload = Payload(capacity: 10)
    let answer = try fill(payload, from: server).get()
    #expect(answer.status == status)
    // Of a refusal no more is kept than an error can tell.
    #expect(answer.body == Array(body.prefix(status == 200 ? body.count : 64 << 10)))
    #expect(payload.count == 0)
  }

  @Test func `refuses more than there is room for`() throws {
    let server = ScriptedServer { [body] _ in .response(206, body: body) }
    guard case .failure(let error) = fill(Payload(capacity: 99_999), from: server) else {
      Issue.record("100,000 bytes went into 99,999")
      return
    }
    #expect(error.kind == .answerTooLarge)
  }
}
