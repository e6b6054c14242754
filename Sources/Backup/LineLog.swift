/// The log: one line per event, as text for people or JSON for machines, one `write` per line.

internal import Glibc
package import Logging

package typealias LogLevel = Logger.Level

extension Logger.Level {
  /// The names that the predecessor took, in any case.
  init?(_ name: String) {
    switch name.lowercased() {
    case "trace": self = .trace
    case "debug": self = .debug
    case "info": self = .info
    case "warn", "warning": self = .warning
    // What ends a run is logged as an error here: nothing may hide that.
    case "error", "fatal", "panic", "critical": self = .error
    default: return nil
    }
  }

  fileprivate var name: String {
    switch self {
    case .trace: "trace"
    case .debug: "debug"
    case .info, .notice: "info"
    case .warning: "warn"
    case .error: "error"
    case .critical: "fatal"
    }
  }
}

package enum LogFormat: String, Sendable {
  case json, text
}

/// Writes to standard error, where a terminal also shows the progress of a run.
package struct LineLog: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var logLevel: Logger.Level
  private let format: LogFormat
  private let write: @Sendable (String) -> Void

  /// `write` gets each line with its line end, whole.
  package init(
    level: Logger.Level, format: LogFormat,
    write: @escaping @Sendable (String) -> Void = LineLog.writeToStandardError
  ) {
    logLevel = level
    self.format = format
    self.write = write
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var fields = metadata
    for (key, value) in event.metadata ?? [:] { fields[key] = value }
    let line = Line(
      time: Timestamp.now(), level: event.level.name, message: event.message.description,
      fields: fields.map { ($0.key, $0.value.description) }.sorted { $0.0 < $1.0 })
    write(line.rendered(as: format) + "\n")
  }

  @Sendable package static func writeToStandardError(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
      guard written > 0 else {
        if written < 0 && errno == EINTR { continue }
        return  // Nobody is left to be told.
      }
      bytes = bytes.dropFirst(written)
    }
  }
}

private struct Line {
  let time: String
  let level: String
  let message: String
  let fields: [(key: String, value: String)]

  func rendered(as format: LogFormat) -> String {
    switch format {
    case .text:
      let head = "time=\(time) level=\(level) msg=\(Self.quoted(message))"
      return ([head] + fields.map { "\($0.key)=\(Self.quotedIfNeeded($0.value))" })
        .joined(separator: " ")
    case .json:
      let head = [("time", time), ("level", level), ("msg", message)]
      let members = (head + fields).map { "\(Self.quoted($0.0)):\(Self.quoted($0.1))" }
      return "{\(members.joined(separator: ","))}"
    }
  }

  private static func quotedIfNeeded(_ text: String) -> String {
    let isPlain = { (byte: UInt8) in
      (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
    }
    return !text.isEmpty && text.utf8.allSatisfy(isPlain) ? text : quoted(text)
  }

  /// A JSON string: control characters, line ends among them, cannot break out of the line.
  private static func quoted(_ text: String) -> String { OneLineJSON.encode(text) }
}
