// One request and its answer, with the scripted fault, if any, and the line in the log.

import HTTPTypes
import HummingbirdCore
import NIOCore

/// Answers the requests of one port.
struct Exchange<S: Service>: Sendable {
  let service: S
  let faults: FaultScript
  let log: RequestLog
  /// Whether clients may present certificates here.
  var checksCertificates = false

  /// A fault wants the connection to be reset instead of an answer.
  private struct ResetDue: Error {}

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
      answer = try await carryOut(call, body: &body, fault, &entry)
    } catch {
      // Nobody is there to be answered: the client left, or a fault ends the connection.
      entry.bytesIn = body.received
      log.append(entry)
      throw error is ResetDue ? await ConnectionEnd.reset(channel) : error
    }
    entry.bytesIn = body.received
    try await send(
      answer, to: call, with: writer, on: channel, fault, entry, closing: body.isUnasked)
  }

  /// Everything up to the answer: throws only when no answer can be sent any more.
  private func carryOut(
    _ call: Call, body: inout IncomingBody, _ fault: FaultAction?,
    _ entry: inout RequestLog.Entry
  ) async throws -> Answer {
    let isAnswerSide = fault?.concernsAnswer(to: call) ?? false
    switch fault?.kind {
    case .reset where !isAnswerSide:
      try await body.discard(upTo: fault?.afterBytes ?? 0)
      throw ResetDue()
    case .stall where !isAnswerSide:
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
    if !body.isUnasked { try await body.discard() }

    if fault?.kind == .lostAnswer { throw ResetDue() }
    if fault?.kind == .wrongChecksum, answer["x-ms-content-crc64"] != nil {
      answer["x-ms-content-crc64"] = CRC64.header(0x0123_4567_89AB_CDEF)
    }
    return answer
  }
}
