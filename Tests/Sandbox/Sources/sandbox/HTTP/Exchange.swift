// The requests of one connection and their answers, each with the scripted fault, if any, and its line in the log.

/// Answers the requests of one port.
struct Exchange<S: Service>: Sendable {
  let service: S
  let faults: FaultScript
  let log: RequestLog

  /// A fault wants the connection to be reset instead of an answer.
  private struct ResetDue: Error {}

  /// Answers one request after the other until one side ends the connection.
  func serve(_ connection: Connection) throws {
    do {
      while let call = try Call(from: connection) {
        guard try respond(to: call, on: connection) else { return }
      }
    } catch is BadRequest {
      try connection.write(Answer(400, [("Connection", "close"), ("Content-Length", "0")]).head)
    }
  }

  /// Returns whether the connection can go on; throws when it broke.
  private func respond(to call: Call, on connection: Connection) throws -> Bool {
    var call = call
    call.certificateFingerprint = connection.clientFingerprint
    var entry = RequestLog.Entry(
      time: Timestamp.now, service: service.name, operation: service.operation(of: call),
      method: call.method, target: call.targetWithoutSignature)

    let fault: FaultAction?
    do {
      fault = try faults.next(
        service: entry.service, operation: entry.operation, path: call.target)
    } catch {
      let answer = Answer(500, body: .bytes(Array("faults: \(error.reason)\n".utf8)))
      return try send(answer, to: call, on: connection, nil, entry, closing: true)
    }
    entry.fault = fault?.kind.rawValue

    let throttle = fault?.kind == .throttle ? fault?.bytesPerSecond : nil
    var body = IncomingBody(of: call, on: connection, pace: Pace(bytesPerSecond: throttle))
    let answer: Answer
    do {
      answer = try carryOut(call, body: &body, fault, &entry)
    } catch {
      // Nobody is there to be answered: the client left, or a fault ends the connection.
      entry.bytesIn = body.received
      log.append(entry)
      if error is ResetDue { connection.end(withReset: true) }
      throw error
    }
    entry.bytesIn = body.received
    return try send(
      answer, to: call, on: connection, fault, entry, closing: call.isLast || body.isUnasked)
  }

  /// Everything up to the answer: throws only when no answer can be sent any more.
  private func carryOut(
    _ call: Call, body: inout IncomingBody, _ fault: FaultAction?,
    _ entry: inout RequestLog.Entry
  ) throws -> Answer {
    let isAnswerSide = fault?.concernsAnswer(to: call) ?? false
    switch fault?.kind {
    case .reset where !isAnswerSide:
      try body.discard(upTo: fault?.afterBytes ?? 0)
      throw ResetDue()
    case .stall where !isAnswerSide:
      try body.discard(upTo: fault?.afterBytes ?? 0)
      pause(for: .seconds(fault?.seconds ?? 3600))
    case .delay:
      pause(for: .milliseconds(fault?.milliseconds ?? 0))
    case .hold:
      if let fault { faults.hold(entry, by: fault) }
    default:
      break
    }

    var answer: Answer
    do {
      if let fault, fault.kind == .status {
        answer = service.scripted(fault, for: call)
      } else {
        answer = try service.answer(call, body: &body, fault: fault)
      }
    } catch let error as ClientGone {
      throw error
    } catch let error as BadRequest {
      throw error
    } catch {
      answer = service.refusal(error, of: call)
    }
    entry.error = answer.reason
    // A client that is still sending would not see an early answer; so hear it out.
    if !body.isUnasked { try body.discard() }

    if fault?.kind == .lostAnswer { throw ResetDue() }
    if fault?.kind == .wrongChecksum, answer["x-ms-content-crc64"] != nil {
      answer["x-ms-content-crc64"] = CRC64.header(0x0123_4567_89AB_CDEF)
    }
    return answer
  }
}
