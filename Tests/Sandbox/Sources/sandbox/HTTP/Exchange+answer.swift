// Sending the answer of an exchange, with the faults that concern answers.

import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

extension Exchange {
  /// Sends the answer and logs the request; `closing` ends the connection afterwards.
  func send(
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

    let breaksOff = fault?.kind == .cut || fault?.kind == .reset
    let cut = breaksOff ? fault?.afterBytes ?? 0 : Int.max
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
      if answer.bodyLength > cut {
        throw await ConnectionEnd.close(
          channel, after: .body(ByteBuffer()), withReset: fault?.kind == .reset)
      }
      if closing { throw await ConnectionEnd.close(channel, after: .end(nil)) }
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
    var stall = fault?.kind == .stall ? fault?.afterBytes : nil
    var left = cut

    func pass(_ piece: ByteBuffer) async throws {
      var piece = piece
      if !isDamaged, let first: UInt8 = piece.getInteger(at: piece.readerIndex) {
        piece.setInteger(first ^ 1, at: piece.readerIndex)
        isDamaged = true
      }
      if let bytes = stall {
        stall = bytes <= piece.readableBytes ? nil : bytes - piece.readableBytes
        if bytes <= piece.readableBytes, let part = piece.readSlice(length: bytes) {
          try await send(part)
          try await Task.sleep(for: .seconds(fault?.seconds ?? 3600))
        }
      }
      guard let part = piece.readSlice(length: min(left, piece.readableBytes)) else { return }
      left -= part.readableBytes
      try await pace.pass(part.readableBytes)
      try await send(part)
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
}
