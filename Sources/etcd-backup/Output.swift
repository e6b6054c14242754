/// Results on standard output: readable for people, JSON for scripts.

internal import ArgumentParser
internal import Backup
internal import FoundationEssentials
internal import Glibc

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case table, json
}

/// The backup that somebody names on the command line.
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
  /// One line, at once: a pipe's buffer would be lost if the process ended badly.
  static func line(_ text: String, to descriptor: Int32) {
    let bytes = Array("\(text)\n".utf8)
    // Nobody is left to tell when this fails.
    _ = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
  }

  static func error(_ text: String, hint: String? = nil) {
    line("error: \(text)" + (hint.map { " (\($0))" } ?? ""), to: STDERR_FILENO)
  }

  /// One line of JSON, keys in order.
  static func json(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      preconditionFailure("plain fields can always be written as JSON: \(error)")
    }
  }

  /// Names and values, one pair a line; pairs without a value are left out.
  static func list(_ pairs: [(name: String, value: String?)]) -> String {
    let width = pairs.map(\.name.count).max() ?? 0
    return pairs.compactMap { name, value in
      value.map { name + String(repeating: " ", count: width - name.count) + "  " + $0 }
    }.joined(separator: "\n")
  }
}
