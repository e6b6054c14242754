// What a scripted server does about one request: actions, one after the other.

extension ScriptedServer {
  package enum Action: Sendable {
    /// These bytes, as they are.
    case send([UInt8])
    /// The same bytes again and again, for bodies too large to keep.
    case sendRepeatedly([UInt8], times: Int)
    case respond(Answer)
    /// From here on, what is sent goes out in pieces of this many bytes with a pause after each.
    case pace(bytes: Int, every: Duration)
    case pause(Duration)
    /// Reads the request's body until this many bytes of it have come; only useful before the body.
    case readBody(upTo: Int)
    /// Neither reads nor sends until the client hangs up or the server stops.
    case hold
    /// An orderly end: what was sent arrives.
    case close
    /// A TCP reset, after what was sent has arrived.
    case reset

    package static func send(_ text: String) -> Action { .send(Array(text.utf8)) }
  }

  /// A whole answer, with the framing that HTTP/1.1 offers for its body.
  package struct Answer: Sendable {
    package enum Framing: Sendable {
      case contentLength
      case chunked(size: Int)
      /// The body ends where the connection does.
      case untilClose
    }

    package var status: Int
    package var headers: KeyValuePairs<String, String>
    package var body: [UInt8]
    package var framing: Framing
    /// How many bytes of the framed body go out; `nil`: all. What follows is the script's affair.
    package var bodyLimit: Int?

    var endsConnection: Bool {
      if case .untilClose = framing { bodyLimit == nil } else { false }
    }

    /// The bytes on the wire; `withBody` is false for the answer to a HEAD.
    func wire(withBody: Bool) -> [UInt8] {
      var head = "HTTP/1.1 \(status) Scripted\r\n"
      for (name, value) in headers { head += "\(name): \(value)\r\n" }
      var framed = body
      switch framing {
      case .contentLength:
        if status >= 200, status != 204, status != 304 {
          head += "Content-Length: \(body.count)\r\n"
        }
      case .chunked(let size):
        head += "Transfer-Encoding: chunked\r\n"
        framed = Self.chunked(body, size: size)
      case .untilClose:
        head += "Connection: close\r\n"
      }
      guard withBody else { return Array("\(head)\r\n".utf8) }
      return Array("\(head)\r\n".utf8) + framed.prefix(bodyLimit ?? framed.count)
    }

    private static func chunked(_ body: [UInt8], size: Int) -> [UInt8] {
      var framed: [UInt8] = []
      for start in stride(from: 0, to: body.count, by: size) {
        let chunk = body[start..<min(start + size, body.count)]
        framed += "\(String(chunk.count, radix: 16))\r\n".utf8
        framed += chunk
        framed += "\r\n".utf8
      }
      return framed + Array("0\r\n\r\n".utf8)
    }
  }

  /// The actions that answer one request; a list of them, or one of the common answers.
  package struct Reply: Sendable, ExpressibleByArrayLiteral {
    package var actions: [Action]

    package init(arrayLiteral elements: Action...) {
      actions = elements
    }

    package init(_ actions: [Action]) {
      self.actions = actions
    }
  }
}

// MARK: - Common answers, as an action and as a whole reply

extension ScriptedServer.Action {
  package static func response(
    _ status: Int, headers: KeyValuePairs<String, String> = [:], body: [UInt8] = [],
    framing: ScriptedServer.Answer.Framing = .contentLength, bodyLimit: Int? = nil
  ) -> Self {
    .respond(
      ScriptedServer.Answer(
        status: status, headers: headers, body: body, framing: framing, bodyLimit: bodyLimit))
  }

  package static func response(
    _ status: Int, headers: KeyValuePairs<String, String> = [:], text: String,
    bodyLimit: Int? = nil
  ) -> Self {
    .response(status, headers: headers, body: Array(text.utf8), bodyLimit: bodyLimit)
  }

  package static func response(_ status: Int, json: String) -> Self {
    .response(status, headers: ["Content-Type": "application/json"], text: json)
  }

  package static func response(_ status: Int, xml: String) -> Self {
    .response(status, headers: ["Content-Type": "application/xml"], text: xml)
  }
}

extension ScriptedServer.Reply {
  package static func response(
    _ status: Int, headers: KeyValuePairs<String, String> = [:], body: [UInt8] = [],
    framing: ScriptedServer.Answer.Framing = .contentLength, bodyLimit: Int? = nil
  ) -> Self {
    [.response(status, headers: headers, body: body, framing: framing, bodyLimit: bodyLimit)]
  }

  package static func response(
    _ status: Int, headers: KeyValuePairs<String, String> = [:], text: String
  ) -> Self {
    [.response(status, headers: headers, text: text)]
  }

  package static func response(_ status: Int, json: String) -> Self {
    [.response(status, json: json)]
  }

  package static func response(_ status: Int, xml: String) -> Self {
    [.response(status, xml: xml)]
  }
}
