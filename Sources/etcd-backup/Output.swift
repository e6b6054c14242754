// Results on standard output: readable for people, JSON for scripts.

internal import ArgumentParser
internal import Backup
internal import Console

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case table, json
}

/// The backup named on the command line.
struct BackupName: ExpressibleByArgument {
  let text: String

  /// Returns `nil` for what cannot be one, and thus for a wrong command line.
  init?(argument: String) {
    guard BackupPath.isPath(argument) else { return nil }
    text = argument
  }

  static let help: ArgumentHelp =
    "ULID, PREFIX/ULID or CONTAINER/PREFIX/ULID (default: the recorded backup)."
}

enum Output {
  /// One line on standard error.
  static func error(_ text: String, hint: String? = nil) {
    let line = "error: \(text)" + (hint.map { " (\($0))" } ?? "")
    LineOutput().write(Printable.text(line) + "\n")
  }

  /// Prints what a command without a session has to say; lost output is a failure.
  static func print(_ work: (StandardOutput) throws -> Void) throws {
    do {
      try work(StandardOutput())
    } catch let error as any OperatorError {
      Output.error(error.description, hint: error.hint)
      throw ExitCode(error.status.rawValue)
    }
  }

  /// One line of JSON, keys in order.
  static func json(_ value: some Encodable) -> String {
    OneLineJSON.encode(value)
  }

  /// Names and values, one pair a line; pairs without a value are left out.
  static func list(_ pairs: [(name: String, value: String?)]) -> [String] {
    let width = pairs.map(\.name.count).max() ?? 0
    return pairs.compactMap { name, value in
      value.map { name + String(repeating: " ", count: width - name.count) + "  " + $0 }
    }
  }
}
