// A snapshot as etcd's gateway streams it: one JSON object per line, made from any bytes.

internal import Digests
internal import FoundationEssentials

/// Lines may be changed, dropped or added before the stream is rendered, to make it wrong in
/// exactly one way.
package struct GatewayStream: Sendable {
  /// What one line says.
  package enum Line: Sendable {
    /// Fields at their default, 0 or empty, are left out, as etcd does.
    case message(remaining: Int, blob: [UInt8])
    case error(ErrorShape, code: Int, message: String)
    case raw(String)
  }

  /// How a failure is told after status 200 was sent.
  package enum ErrorShape: Sendable, CaseIterable {
    /// etcd 3.3, 3.4 and upstream's 3.5; no line end.
    case v1
    /// Debian's etcd 3.5.
    case v2
    /// etcd 3.6.
    case v2WithDetails
  }

  package enum Spacing: String, Sendable, CaseIterable {
    case compact = ","
    /// What Go's newer JSON library makes of it in some builds.
    case spaced = ", "
  }

  /// What `remaining_bytes` counts.
  package enum Countdown: Sendable, CaseIterable {
    case database
    case databaseAndHash
  }

  package static let messageSize = 32_768

  package var lines: [Line]
  package var spacing = Spacing.compact
  /// What follows a message; nothing in etcd 3.3.0 to 3.3.20.
  package var lineEnd = "\n"
  /// The storage version that etcd 3.6 repeats in every message.
  package var version: String?

  /// A flawless stream of `database`, followed by its SHA-256.
  package init(of database: [UInt8], countdown: Countdown = .database) {
    let hash = SHA256.digest(of: database).bytes
    let uncounted = countdown == .databaseAndHash ? hash.count : 0
    lines = stride(from: 0, to: database.count, by: Self.messageSize).map { start in
      let end = min(start + Self.messageSize, database.count)
      return .message(
        remaining: database.count - end + uncounted, blob: Array(database[start..<end]))
    }
    lines.append(.message(remaining: 0, blob: hash))
  }

  package init(lines: [Line]) {
    self.lines = lines
  }

  package var bytes: [UInt8] {
    lines.indices.reduce(into: []) { $0 += bytes(ofLine: $1) }
  }

  /// Where in `bytes` a line begins; for `lines.endIndex`, how many bytes there are.
  package func offset(ofLine index: Int) -> Int {
    lines.indices[..<index].reduce(0) { $0 + bytes(ofLine: $1).count }
  }

  /// One line, its line end included.
  package func bytes(ofLine index: Int) -> [UInt8] {
    let text =
      switch lines[index] {
      case .message(let remaining, let blob): render(remaining: remaining, blob: blob) + lineEnd
      case .error(let shape, let code, let message): render(shape, code: code, message: message)
      case .raw(let text): text
      }
    return Array(text.utf8)
  }

  private func render(remaining: Int, blob: [UInt8]) -> String {
    var members: [String] = []
    if remaining != 0 { members.append(#""remaining_bytes":"\#(remaining)""#) }
    if !blob.isEmpty { members.append(#""blob":"\#(Data(blob).base64EncodedString())""#) }
    if let version { members.append(#""version":"\#(version)""#) }
    return #"{"result":{\#(members.joined(separator: spacing.rawValue))}}"#
  }

  private func render(_ shape: ErrorShape, code: Int, message: String) -> String {
    var members: [String]
    switch shape {
    case .v1:
      members = [
        #""grpc_code":\#(code)"#, #""http_code":500"#, #""message":"\#(message)""#,
        #""http_status":"Internal Server Error""#,
      ]
    case .v2, .v2WithDetails:
      members = [#""code":\#(code)"#, #""message":"\#(message)""#]
    }
    if shape == .v2WithDetails { members.append(#""details":[]"#) }
    let line = #"{"error":{\#(members.joined(separator: spacing.rawValue))}}"#
    return shape == .v1 ? line : line + "\n"
  }
}

extension ScriptedServer.Reply {
  /// What etcd answers to a snapshot request; of the framed body, `limit` bytes at most.
  package static func snapshot(
    _ stream: GatewayStream, framing: ScriptedServer.Answer.Framing = .chunked(size: 10_007),
    limit: Int? = nil
  ) -> Self {
    .response(
      200, headers: ["Content-Type": "application/json"], body: stream.bytes, framing: framing,
      bodyLimit: limit)
  }
}
