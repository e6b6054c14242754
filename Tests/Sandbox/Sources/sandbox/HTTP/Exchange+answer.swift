// Sending the answer of an exchange, with the faults that concern answers.

extension Exchange {
  /// Sends the answer and logs the request; returns whether the connection can go on. With
  /// `closing` the connection ends afterwards.
  func send(
    _ answer: Answer, to call: Call, on connection: Connection, _ fault: FaultAction?,
    _ entry: RequestLog.Entry, closing: Bool
  ) throws -> Bool {
    var answer = answer
    let now = HTTPDate.now
    let offset = fault?.kind == .date ? Int(fault?.seconds ?? 0) : 0
    answer["Date"] = now.advanced(by: offset).description
    if answer["Content-Length"] == nil, answer.status >= 200, answer.status != 204 {
      answer["Content-Length"] = String(answer.bodyLength)
    }
    if closing { answer["Connection"] = "close" }
    let bodyLength = call.method == "HEAD" ? 0 : answer.bodyLength

    let breaksOff = fault?.kind == .cut || fault?.kind == .reset
    let cut = breaksOff ? fault?.afterBytes ?? 0 : Int.max
    var entry = entry
    entry.status = answer.status
    entry.bytesOut = min(cut, bodyLength)
    // Before the answer, so that a client that has it finds its request in the log.
    log.append(entry)

    if case .bytes(let bytes) = answer.body, fault == nil {
      try connection.write(answer.head + bytes.prefix(bodyLength))
    } else {
      try connection.write(answer.head)
      if bodyLength > 0 { try write(answer.body, upTo: cut, fault) { try connection.write($0) } }
    }
    if answer.bodyLength > cut {
      connection.end(withReset: fault?.kind == .reset)
      return false
    }
    return !closing
  }

  private func write(
    _ body: Answer.Body, upTo cut: Int, _ fault: FaultAction?, _ send: ([UInt8]) throws -> Void
  ) throws {
    var pace = Pace(bytesPerSecond: fault?.kind == .throttle ? fault?.bytesPerSecond : nil)
    let pieceSize = fault?.kind == .throttle ? 16 * 1024 : 256 * 1024
    var isDamaged = fault?.kind != .damage
    var stall = fault?.kind == .stall ? fault?.afterBytes : nil
    var left = cut

    func pass(_ whole: [UInt8]) throws {
      var piece = whole
      if !isDamaged, !piece.isEmpty {
        piece[0] ^= 1
        isDamaged = true
      }
      if let bytes = stall {
        stall = bytes <= piece.count ? nil : bytes - piece.count
        if bytes <= piece.count {
          try send(Array(piece.prefix(bytes)))
          piece.removeFirst(bytes)
          pause(for: .seconds(fault?.seconds ?? 3600))
        }
      }
      if piece.count > left { piece.removeLast(piece.count - left) }
      left -= piece.count
      pace.pass(piece.count)
      try send(piece)
    }

    switch body {
    case .none:
      break
    case .bytes(let bytes):
      var start = 0
      while left > 0, start < bytes.count {
        let end = min(bytes.count, start + pieceSize)
        try pass(Array(bytes[start..<end]))
        start = end
      }
    case .stored(let slice):
      var reader = slice.reader(pieceSize: pieceSize)
      while left > 0, let piece = try reader.next() {
        try pass(piece)
      }
    }
  }
}
