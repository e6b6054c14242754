// What is said on one connection of a scripted server: requests read, replies performed, in turn.

/// Belongs to the thread of its connection.
final class Conversation {
  private typealias End = RecordedConnection.End

  private let wire: Wire
  private let number: Int
  private let journal: Journal
  /// Received, but not yet made sense of.
  private var unread: [UInt8] = []

  init(_ wire: Wire, number: Int, journal: Journal) {
    self.wire = wire
    self.number = number
    self.journal = journal
  }

  /// Serves requests until the connection ends, and closes it.
  func run(beforeBody: ScriptedServer.Handler, handler: ScriptedServer.Handler) {
    do throws(End) {
      while true {
        var request = try readHead()
        let entry = journal.add(request)
        defer { journal.update(entry, body: request.body) }
        if request["transfer-encoding"] != nil { throw .notUnderstood }
        try perform(beforeBody(request), on: &request)
        try readBody(of: &request, upTo: request.contentLength)
        journal.update(entry, body: request.body)
        try perform(handler(request), on: &request)
        if request["connection"]?.lowercased() == "close" { throw .closedByServer }
      }
    } catch {
      if error == .resetByServer {
        wire.reset()
        journal.end(number, error)
      } else {
        wire.finishSending()
        journal.end(number, error)
        wire.close()
      }
    }
  }

  // MARK: Requests

  private func readHead() throws(End) -> RecordedRequest {
    let emptyLine = Array("\r\n\r\n".utf8)
    var searched = 0
    while true {
      while searched + emptyLine.count <= unread.count {
        if unread[searched..<searched + emptyLine.count].elementsEqual(emptyLine) {
          let head = String(decoding: unread[..<(searched + emptyLine.count)], as: UTF8.self)
          unread.removeFirst(searched + emptyLine.count)
          guard let request = RecordedRequest(head: head, connection: number) else {
            throw .notUnderstood
          }
          return request
        }
        searched += 1
      }
      unread += try wire.receive()
      // A TLS handshake, for one, would never bring an empty line.
      guard let first = unread.first, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else {
        throw .notUnderstood
      }
    }
  }

  private func readBody(of request: inout RecordedRequest, upTo count: Int) throws(End) {
    let wanted = min(count, request.contentLength)
    while request.body.count < wanted {
      if unread.isEmpty { unread = try wire.receive() }
      let piece = unread.prefix(wanted - request.body.count)
      request.body += piece
      unread.removeFirst(piece.count)
    }
  }

  // MARK: Replies

  private func perform(
    _ reply: ScriptedServer.Reply, on request: inout RecordedRequest
  ) throws(End) {
    var pace: (bytes: Int, every: Duration)?
    for action in reply.actions {
      switch action {
      case .send(let bytes):
        try send(bytes, pace)
      case .sendRepeatedly(let bytes, let times):
        for _ in 0..<times { try send(bytes, pace) }
      case .respond(let answer):
        try send(answer.wire(withBody: request.method != "HEAD"), pace)
        if answer.endsConnection { throw .closedByServer }
      case .pace(let bytes, let every):
        pace = (bytes, every)
      case .pause(let duration):
        try wire.pause(duration)
      case .readBody(let count):
        try readBody(of: &request, upTo: count)
      case .hold:
        try wire.hold()
      case .close:
        throw .closedByServer
      case .reset:
        throw .resetByServer
      }
    }
  }

  private func send(_ bytes: [UInt8], _ pace: (bytes: Int, every: Duration)?) throws(End) {
    guard let pace else { return try send(bytes[...]) }
    for start in stride(from: 0, to: bytes.count, by: pace.bytes) {
      try send(bytes[start..<min(start + pace.bytes, bytes.count)])
      try wire.pause(pace.every)
    }
  }

  private func send(_ bytes: ArraySlice<UInt8>) throws(End) {
    var rest = bytes
    while !rest.isEmpty {
      let count = try wire.send(rest)
      journal.addSent(count, on: number)
      rest = rest.dropFirst(count)
    }
  }
}
