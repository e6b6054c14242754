// One request and its answer, with the scripted fault, if any, and the line in the log.

import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

/// Answers the requests of one port.
struct Exchange<S: Service>: Sendable {
  let service: S
  let faults: FaultScript
  let log: RequestLog
  /// Whether clients may present certificates here.
  var checksCertificates = false

  /// The connection was ended on purpose; nothing more can be sent on it.
  private struct Ended: Error {}

  func respond(
    to request: Request, with writer: consuming ResponseWriter, on channel: any Channel
  ) async throws {
    let call = Call(
      method: request.method.rawValue, target: request.head.path ?? "/",
      host: request.head.authority ?? "", headers: request.headers,
      certificateFingerprint: checksCertificates ? await TLS.clientFingerprint(of: channel) : nil)
    var entry = RequestLog.Entry(
      time: Timestamp.now, service: service.name, operation: service.operation(of: call),
      method: call.method, target: call.target)

    let fault: FaultAction?
    do {
      fault = try faults.next(
        service: entry.service, operation: entry.operation, path: call.target)
    } catch {
      let answer = Answer(500, body: .bytes(Array("faults: \(error.reason)\n".utf8)))
      return try await send(answer, to: call, with: writer, on: channel, nil, entry)
    }
    entry.fault = fault?.kind.rawValue

    let throttle = fault?.kind == .throttle ? fault?.bytesPerSecond : nil
    var body = IncomingBody(
      request.body, announced: call.contentLength ?? 0, pace: Pace(bytesPerSecond: throttle),
      waiting: call.expectsContinue ? channel : nil)

    let answer: Answer
    do {
      answer = try await carryOut(call, body: &body, fault, on: channel, &entry)
    } catch {
      // Nobody is there to be answered: the client left, or a fault ended the connection.
      entry.bytesIn = body.received
      log.append(entry)
      throw error
    }
    entry.bytesIn = body.received
    try await send(
      answer, to: call, with: writer, on: channel, fault, entry, closing: body.isUnasked)
  }

  /// Everything up to the answer: throws only when no answer can be sent any more.
  private func carryOut(
    _ call: Call, body: inout IncomingBody, _ fault: FaultAction?, on channel: any Channel,
    _ entry: inout RequestLog.Entry
  ) async throws -> Answer {
    switch fault?.kind {
    case .reset:
      try await body.discard(upTo: fault?.afterBytes ?? 0)
      throw await end(channel)
    case .stall:
      try await body.discard(upTo: fault?.afterBytes ?? 0)
      try await Task.sleep(for: .seconds(fault?.seconds ?? 3600))
    case .delay:
      try await Task.sleep(for: .milliseconds(fault?.milliseconds ?? 0))
    default:
      break
    }

    var answer: Answer
    do {
      if let fault, fault.kind == .status {
        answer = service.scripted(fault, for: call)
      } else {
        answer = try await service.answer(call, body: &body, fault: fault)
      }
    } catch let error as ClientGone {
      throw error
    } catch let error as ChannelError {
      throw error
    } catch let error as IOError {
      throw error
    } catch {
      answer = service.refusal(error, of: call)
    }
    entry.error = answer.reason
    // A client that is still sending would not see an early answer; so hear it out.
    if !body.isUnasked && fault?.early != true { try await body.discard() }

    if fault?.kind == .lostAnswer { throw await end(channel) }
    if fault?.kind == .wrongChecksum, answer["x-ms-content-crc64"] != nil {
      answer["x-ms-content-crc64"] = CRC64.header(0x0123_4567_89AB_CDEF)
    }
    return answer
  }

  private func send(
    _ answer: Answer, to call: Call, with writer: consuming ResponseWriter, on channel: any Channel,
    _ fault: FaultAction?, _ entry: RequestLog.Entry, closing: Bool = false
  ) async throws {
    var answer = answer
    let now = HTTPDate.now
    let offset = fault?.kind == .date ? Int(fault?.seconds ?? 0) : 0
    answer["Date"] = now.advanced(by: offset).description
    if answer["Content-Length"] == nil, answer.status >= 200, answer.status != 204 {
      answer["Content-Length"] = String(answer.bodyLength)
    }
    if closing { answer["Connection"] = "close" }

    let cut = fault?.kind == .cut ? fault?.afterBytes ?? 0 : Int.max
    var entry = entry
    entry.status = answer.status
    entry.bytesOut = min(cut, call.method == "HEAD" ? 0 : answer.bodyLength)
    // Before the answer, so that a client that has it finds its request in the log.
    log.append(entry)

    let head = HTTPResponse(status: .init(code: answer.status), headerFields: answer.headers)
    if case .bytes(let bytes) = answer.body, fault == nil, !closing, call.method != "HEAD" {
      try await writer.write(response: head, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    } else {
      var out = try await writer.writeHead(head)
      if call.method != "HEAD" {
        try await write(answer.body, upTo: cut, fault) { try await out.write($0) }
      }
      if answer.bodyLength > cut { throw await end(channel, after: .body(ByteBuffer())) }
      if closing { throw await end(channel, after: .end(nil)) }
      try await out.finish(nil)
    }
  }

  private func write(
    _ body: Answer.Body, upTo cut: Int, _ fault: FaultAction?,
    _ send: (ByteBuffer) async throws -> Void
  ) async throws {
    var pace = Pace(bytesPerSecond: fault?.kind == .throttle ? fault?.bytesPerSecond : nil)
    let pieceSize = fault?.kind == .throttle ? 16 * 1024 : 256 * 1024
    var isDamaged = fault?.kind != .damage
    var left = cut

    func pass(_ piece: ByteBuffer) async throws {
      var piece = piece
      if !isDamaged, let first: UInt8 = piece.getInteger(at: piece.readerIndex) {
        piece.setInteger(first ^ 1, at: piece.readerIndex)
        isDamaged = true
      }
      let part = piece.getSlice(at: piece.readerIndex, length: min(left, piece.readableBytes))
      left -= min(left, piece.readableBytes)
      try await pace.pass(part?.readableBytes ?? 0)
      if let part { try await send(part) }
    }

    switch body {
    case .none:
      break
    case .bytes(let bytes):
      var rest = ByteBuffer(bytes: bytes)
      while left > 0, rest.readableBytes > 0,
        let piece = rest.readSlice(length: min(pieceSize, rest.readableBytes))
      {
        try await pass(piece)
      }
    case .stored(let slice):
      var reader = slice.reader(pieceSize: pieceSize)
      while left > 0, let piece = try reader.next() {
        try await pass(piece)
      }
    }
  }

  /// Ends the connection below TLS: after all that was written and `last` are on their way, or,
  /// without a `last`, with a reset.
  private func end(_ channel: any Channel, after last: HTTPResponsePart? = nil) async -> any Error {
    // The peer may have gone first, which is just as well.
    if let last {
      try? await channel.writeAndFlush(last)
    } else {
      try? await ConnectionEnd.reset(channel)
    }
    try? await ConnectionEnd.close(channel)
    return Ended()
  }
}
