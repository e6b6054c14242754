// A part of a YAML document as JSON, such as what a kubeconfig keeps for other programs.

internal import FoundationEssentials

extension YAMLNode {
  /// `nil` where it has more than `nodes` nodes, aliases followed.
  func json(largest nodes: Int = 10_000) -> JSONValue? {
    var left = nodes
    return json(&left)
  }

  private func json(_ left: inout Int) -> JSONValue? {
    left -= 1
    guard left >= 0 else { return nil }
    if isMapping {
      var members: [String: JSONValue] = [:]
      for (key, value) in pairs {
        guard let name = key.scalar?.text, let json = value.json(&left) else { return nil }
        members[name] = json
      }
      return .object(members)
    }
    if isList {
      var values: [JSONValue] = []
      for element in elements {
        guard let json = element.json(&left) else { return nil }
        values.append(json)
      }
      return .array(values)
    }
    return scalarJSON
  }

  private var scalarJSON: JSONValue {
    guard let scalar else { return .null }
    if scalar.isPlain, ["", "~", "null", "Null", "NULL"].contains(scalar.text) { return .null }
    guard !isText else { return .string(scalar.text) }
    switch scalar.text.lowercased() {
    case "true", "yes", "on", "y": return .bool(true)
    case "false", "no", "off", "n": return .bool(false)
    default:
      // Other spellings of numbers stay texts.
      let isDecimal = scalar.text.allSatisfy { "0123456789.-".contains($0) }
      return isDecimal
        ? Decimal(string: scalar.text).map { .number($0) } ?? .string(scalar.text)
        : .string(scalar.text)
    }
  }
}
