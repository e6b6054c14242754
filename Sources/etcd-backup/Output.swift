// Results on standard output: readable for people, JSON or YAML for scripts.

internal import ArgumentParser
internal import Backup
internal import Console

/// How a command prints its result.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case table, json, yaml

  /// `nil` for people.
  var document: DocumentFormat? { DocumentFormat(rawValue: rawValue) }

  static let help: ArgumentHelp = "How to print the result: table, json or yaml."
}

/// The same for a command whose result is about stored backups, which have names.
enum BackupOutputFormat: String, ExpressibleByArgument, CaseIterable {
  case table, json, yaml
  /// The path of one backup a line.
  case name

  /// `nil` for people, and for names.
  var document: DocumentFormat? { DocumentFormat(rawValue: rawValue) }

  static let help: ArgumentHelp =
    "How to print the result: table, json, yaml, or name for paths alone."
}

/// How a document for scripts is written; its values are the same in each.
enum DocumentFormat: String {
  case json, yaml

  /// The whole document, with its line end.
  func encode(_ value: some Encodable) -> String {
    switch self {
    case .json: OneLineJSON.encode(value) + "\n"
    case .yaml: YAMLText.encode(value)
    }
  }
}

/// The backup named on the command line.
struct BackupName: ExpressibleByArgument {
  let text: String
  let choice: BackupChoice

  /// Returns `nil` for what cannot be one, and thus for a wrong command line.
  init?(argument: String) {
    guard let choice = BackupChoice(argument) else { return nil }
    text = argument
    self.choice = choice
  }

  static var defaultCompletionKind: CompletionKind { .list(BackupChoice.words) }

  static let help: ArgumentHelp =
    "latest, oldest, recorded (the default), ULID, PREFIX/ULID or CONTAINER/PREFIX/ULID."
}

enum Output {
  /// On standard error, as the log has it, but without a time.
  static func error(_ text: String, hint: String? = nil) {
    let lines = ["ERROR \(text)", hint.map { "\(Log.hintIndent)hint: \($0)" }]
    LineOutput().write(lines.compactMap { $0 }.map { Printable.text($0) + "\n" }.joined())
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

  /// Names and values, one pair a line; pairs without a value are left out.
  static func list(_ pairs: [(name: String, value: String?)]) -> [String] {
    let width = pairs.map(\.name.count).max() ?? 0
    return pairs.compactMap { name, value in
      value.map { name + String(repeating: " ", count: width - name.count) + "  " + $0 }
    }
  }
}
