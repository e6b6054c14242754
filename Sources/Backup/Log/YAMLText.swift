// YAML of the same values that the JSON has: block style, keys in order, every string quoted that is not plainly one.

internal import Console
internal import FoundationEssentials

/// Encodes results as YAML 1.1 and 1.2 read alike.
///
/// A string stands without quotes only if it is a word that no reader takes for a number, a time or
/// a Boolean; every other one is double-quoted. The strings hold no secret and no control character.
///
///     YAMLText.encode(["name": "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
///     // name: "01ARZ3NDEKTSV4RRFFQ69G5FAV"
package enum YAMLText {
  /// One document; each line has its line end.
  package static func encode(_ value: some Encodable) -> String {
    var text = ""
    append(node(of: value), indent: "", to: &text)
    // A lone scalar comes after the space that a key or a dash has before it.
    return text.first == " " ? String(text.dropFirst()) : String(text.drop { $0 == "\n" })
  }

  /// One item of a list at the margin.
  package static func item(_ value: some Encodable) -> String {
    var text = "-"
    appendItem(node(of: value), indent: "  ", to: &text)
    return text
  }

  /// A string as a scalar, quoted where that is needed.
  package static func scalar(_ text: String) -> String {
    let text = Secrets.redact(text)
    return isPlain(text) ? text : Printable.yaml(text)
  }

  private static func node(of value: some Encodable) -> Node {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard let data = try? encoder.encode(value),
      let node = try? JSONDecoder().decode(Node.self, from: data)
    else { preconditionFailure("a value of plain fields could not be encoded") }
    return node
  }

  /// What stands after a key, or after the dash of an item that is no map.
  private static func append(_ node: Node, indent: String, to text: inout String) {
    switch node {
    case .literal(let literal): text += " \(literal)\n"
    case .text(let string): text += " \(scalar(string))\n"
    case .list([]): text += " []\n"
    case .map([]): text += " {}\n"
    case .list(let items):
      text += "\n"
      for item in items {
        text += indent + "-"
        appendItem(item, indent: indent + "  ", to: &text)
      }
    case .map(let entries):
      text += "\n"
      for entry in entries {
        text += indent
        append(entry, indent: indent, to: &text)
      }
    }
  }

  /// The first entry of a map stands on the line of the dash.
  private static func appendItem(_ item: Node, indent: String, to text: inout String) {
    guard case .map(let entries) = item, !entries.isEmpty else {
      append(item, indent: indent, to: &text)
      return
    }
    for (index, entry) in entries.enumerated() {
      text += index == 0 ? " " : indent
      append(entry, indent: indent, to: &text)
    }
  }

  private static func append(_ entry: Entry, indent: String, to text: inout String) {
    text += scalar(entry.key) + ":"
    append(entry.value, indent: indent + "  ", to: &text)
  }

  /// A letter, then letters, digits and `_ - . /`, unless it is a word that a reader of YAML 1.1
  /// takes for a Boolean or for nothing: https://yaml.org/type/bool.html.
  private static func isPlain(_ text: String) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    guard let first = text.utf8.first, isLetter(first),
      text.utf8.allSatisfy({ isLetter($0) || isDigit($0) || "_-./".utf8.contains($0) })
    else { return false }
    return !["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
      .contains(text.lowercased())
  }
}

/// A value as JSON has it.
private enum Node: Decodable, Equatable {
  /// A number, a Boolean or null, as YAML writes it.
  case literal(String)
  case text(String)
  case list([Node])
  case map([Entry])

  /// Strings first: an attempt that fails takes longer than one that does not.
  init(from decoder: any Decoder) throws {
    let single = try decoder.singleValueContainer()
    if single.decodeNil() {
      self = .literal("null")
    } else if let text = try? single.decode(String.self) {
      self = .text(text)
    } else if let number = try? single.decode(Int.self) {
      self = .literal("\(number)")
    } else if let boolean = try? single.decode(Bool.self) {
      self = .literal("\(boolean)")
    } else if let number = try? single.decode(UInt64.self) {
      self = .literal("\(number)")
    } else if let number = try? single.decode(Double.self) {
      self = .literal(Self.literal(number))
    } else if let keys = try? decoder.container(keyedBy: Key.self) {
      self = .map(
        try keys.allKeys.map(\.stringValue).sorted().map { key in
          Entry(key: key, value: try keys.decode(Node.self, forKey: Key(stringValue: key)))
        })
    } else {
      self = .list(try single.decode([Node].self))
    }
  }

  /// YAML 1.1 takes `1e-05` for a string and `1.0e-05` for a number.
  private static func literal(_ number: Double) -> String {
    let text = "\(number)"
    return text.contains(".") ? text : text.replacing("e", with: ".0e")
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

private struct Entry: Equatable {
  let key: String
  let value: Node
}
