internal import Backup

/// A document with one long list, written piece by piece: not even a hundred thousand items take
/// much memory. In JSON, each item is one line.
struct ListDocument {
  private let format: DocumentFormat
  private let name: String
  private var isEmpty = true

  private struct Nothing: Encodable {}

  init(_ format: DocumentFormat, list name: String) {
    self.format = format
    self.name = name
  }

  /// What stands before the items.
  func begin() -> String { begin(Nothing()) }

  /// The same; the fields of `head` come first.
  func begin(_ head: some Encodable) -> String {
    let fields = fields(of: head)
    return switch format {
    case .json: "{" + fields + (fields.isEmpty ? "" : ",") + "\"\(name)\":["
    case .yaml: fields + "\(name):"
    }
  }

  mutating func item(_ value: some Encodable) -> String {
    defer { isEmpty = false }
    return switch format {
    case .json: (isEmpty ? "\n" : ",\n") + OneLineJSON.encode(value)
    case .yaml: (isEmpty ? "\n" : "") + YAMLText.item(value)
    }
  }

  /// What stands after the items.
  func end() -> String { end(Nothing()) }

  /// The same; the fields of `tail` come last.
  func end(_ tail: some Encodable) -> String {
    let fields = fields(of: tail)
    return switch format {
    case .json: "\n]" + (fields.isEmpty ? "" : ",") + fields + "}\n"
    case .yaml: (isEmpty ? " []\n" : "") + fields
    }
  }

  /// Without the braces that JSON has around them.
  private func fields(of value: some Encodable) -> String {
    if value is Nothing { return "" }
    return switch format {
    case .json: String(OneLineJSON.encode(value).dropFirst().dropLast())
    case .yaml: YAMLText.encode(value)
    }
  }
}
