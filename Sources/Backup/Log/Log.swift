// The log: text for people, or JSON for machines.

package import Console

package enum LogLevel: Int, Comparable, CaseIterable, Sendable {
  case trace, debug, info, warning, error

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
    case .info: "info"
    case .warning: "warn"
    case .error: "error"
    }
  }

  package static func < (one: LogLevel, other: LogLevel) -> Bool { one.rawValue < other.rawValue }
}

package enum LogFormat: String, Sendable {
  case json, text
}

/// What a field of the log may hold. Numbers and Booleans are such in JSON as well.
package protocol LogValue: Sendable {
  var logged: LoggedValue { get }
}

package enum LoggedValue {
  case text(String)
  /// A number or a Boolean, as JSON writes it.
  case literal(String)
}

extension String: LogValue {
  package var logged: LoggedValue { .text(self) }
}

extension LogValue where Self: FixedWidthInteger {
  package var logged: LoggedValue { .literal("\(self)") }
}

extension Int: LogValue {}
extension Int32: LogValue {}
extension UInt64: LogValue {}

extension Bool: LogValue {
  package var logged: LoggedValue { .literal("\(self)") }
}

extension Duration: LogValue {
  /// In seconds.
  package var logged: LoggedValue { .literal(secondsText) }
}

/// Fields of one event; those without a value are left out.
package typealias LogFields = [String: (any LogValue)?]

/// Writes to standard error, where a terminal also shows the progress of a run.
///
/// One line per event, as JSON; as text, a hint has a line of its own:
///
///     2026-11-22T09:30:00Z ERROR [container] no backup taken: container "a" does not exist  exit.status=78
///         hint: Create the container, or correct APP_ABS_CONTAINER_NAME.
package struct Log {
  /// What stands before the hint of an error, wherever one is printed as text.
  package static let hintIndent = "    "

  private let level: LogLevel
  private let format: LogFormat
  private let output: LineOutput
  /// What stands in every line unless an event says otherwise.
  private var always: LogFields = [:]

  package init(level: LogLevel, format: LogFormat, output: LineOutput = LineOutput()) {
    self.level = level
    self.format = format
    self.output = output
  }

  /// `write` gets each line with its line end, whole.
  package init(level: LogLevel, format: LogFormat, write: @escaping (String) -> Void) {
    self.init(level: level, format: format, output: LineOutput(writing: write))
  }

  package func with(_ fields: LogFields) -> Log {
    var log = self
    log.always.merge(fields) { _, new in new }
    return log
  }

  package func info(_ message: String, _ fields: LogFields = [:]) {
    log(.info, message, fields)
  }

  package func warning(_ message: String, _ fields: LogFields = [:]) {
    log(.warning, message, fields)
  }

  package func error(_ message: String, _ fields: LogFields = [:]) {
    log(.error, message, fields)
  }

  package func log(_ level: LogLevel, _ message: String, _ fields: LogFields = [:]) {
    guard level >= self.level else { return }
    tellOfDroppedLines()
    output.write(line(level, message, fields))
  }

  /// Lines that no reader took are counted in one line as soon as one does.
  package func tellOfDroppedLines() {
    let dropped = output.dropped
    guard dropped > 0 else { return }
    if output.write(line(.warning, "log lines dropped: nothing read the log", ["lines": dropped])) {
      output.dropped = 0
    } else {
      output.dropped = dropped  // the line that says so is none of them
    }
  }

  private func line(_ level: LogLevel, _ message: String, _ fields: LogFields) -> String {
    let present = always.merging(fields) { _, new in new }.compactMap { key, value in
      value.map { (key: key, value: $0.logged) }
    }.sorted { $0.key < $1.key }
    return Line(time: Timestamp.now(), level: level.name, message: message, fields: present)
      .rendered(as: format) + "\n"
  }
}

private struct Line {
  let time: String
  let level: String
  let message: String
  let fields: [(key: String, value: LoggedValue)]

  func rendered(as format: LogFormat) -> String {
    switch format {
    case .text: return text
    case .json:
      let head: [(String, LoggedValue)] = [
        ("time", .text(time)), ("level", .text(level)), ("msg", .text(message)),
      ]
      let members = (head + fields).map { "\(Self.quoted($0.0)):\(Self.json($0.1))" }
      return "{\(members.joined(separator: ","))}"
    }
  }

  /// What a person looks for first stands first: level, stage, message and error; then the other
  /// fields; and on a line of its own, what to do.
  private var text: String {
    var level = level.uppercased()
    level += String(repeating: " ", count: max(0, 5 - level.count))
    var line = "\(time) \(level) "
    if let stage = words("stage") { line += "[\(stage)] " }
    line += Printable.text(message)
    if let error = words("error") { line += ": \(error)" }
    let others = fields.filter { !["stage", "error", "hint"].contains($0.key) }
    if !others.isEmpty {
      line += "  " + others.map { "\($0.key)=\(Self.text($0.value))" }.joined(separator: " ")
    }
    if let hint = words("hint") { line += "\n\(Log.hintIndent)hint: \(hint)" }
    return line
  }

  /// A field that is shown as the words that it is; `nil` where the event has none.
  private func words(_ key: String) -> String? {
    guard case .text(let text)? = fields.first(where: { $0.key == key })?.value, !text.isEmpty
    else { return nil }
    return Printable.text(text)
  }

  private static func json(_ value: LoggedValue) -> String {
    switch value {
    case .text(let text): quoted(text)
    case .literal(let text): text
    }
  }

  private static func text(_ value: LoggedValue) -> String {
    guard case .text(let text) = value else { return json(value) }
    let isPlain = { (byte: UInt8) in
      (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
    }
    return !text.isEmpty && text.utf8.allSatisfy(isPlain) ? Secrets.redact(text) : quoted(text)
  }

  /// A JSON string: control characters, line ends among them, cannot break out of the line.
  private static func quoted(_ text: String) -> String { OneLineJSON.encode(text) }
}
