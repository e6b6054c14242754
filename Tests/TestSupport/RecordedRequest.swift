// One request as it arrived at a scripted server, byte for byte.

package struct RecordedRequest: Sendable {
  package struct Field: Sendable, Equatable {
    package let name: String
    package let value: String
  }

  package let method: String
  /// As it stood in the request line: path and query, or `host:port` of a CONNECT.
  package let target: String
  /// In the order in which they came.
  package let headers: [Field]
  /// Everything up to and including the empty line, unchanged.
  package let head: String
  /// As much of the body as has been read.
  package internal(set) var body: [UInt8] = []
  /// Which of the server's connections brought it, counted from 0.
  package let connection: Int
  /// When its head was complete.
  package let arrival: ContinuousClock.Instant

  /// Returns `nil` where `head` does not begin with a request line.
  init?(head: String, connection: Int) {
    var lines = head.split(separator: "\r\n")[...]
    let words = lines.popFirst()?.split(separator: " ") ?? []
    guard words.count == 3 else { return nil }
    method = String(words[0])
    target = String(words[1])
    headers = lines.map { line in
      let name = line.prefix { $0 != ":" }
      return Field(
        name: String(name), value: String(line.dropFirst(name.count + 1).drop { $0 == " " }))
    }
    self.head = head
    self.connection = connection
    arrival = .now
  }

  /// The first value under this name, whatever its case.
  package subscript(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  package var names: [String] { headers.map(\.name) }

  package var path: String { String(target.prefix { $0 != "?" }) }

  /// What follows the question mark, not decoded; empty where there is none.
  package var query: String { String(target.dropFirst(path.count + 1)) }

  package var bodyText: String { String(decoding: body, as: UTF8.self) }

  package var contentLength: Int { self["content-length"].flatMap { Int($0) } ?? 0 }

  /// Whether all of the body that the head announced has been read.
  package var isWhole: Bool { body.count == contentLength }
}

/// One connection that a scripted server accepted.
package struct RecordedConnection: Sendable {
  package enum End: Sendable, Error, Equatable {
    case closedByServer, resetByServer, closedByClient
    /// The server was stopped while the connection was open.
    case serverStopped
    /// What came is not HTTP, or a chunked body, which nobody here should send.
    case notUnderstood
  }

  /// Bytes handed to the kernel for sending.
  package internal(set) var sentBytes = 0
  /// `nil` while it is open.
  package internal(set) var end: End?
}
