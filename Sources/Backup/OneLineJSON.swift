/// JSON that stays one line wherever it is shown.

internal import FoundationEssentials

enum OneLineJSON {
  /// Keys are sorted. Beyond what JSON demands, everything is escaped that ends a line somewhere or
  /// that a terminal obeys.
  static func encode(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else {
      preconditionFailure("a value of plain fields could not be encoded as JSON")
    }
    let text = String(decoding: data, as: UTF8.self).unicodeScalars
    guard text.contains(where: isHarmful) else { return String(text) }
    return text.map { isHarmful($0) ? escape($0) : String($0) }.joined()
  }

  /// Only strings can hold such a character, so it can be escaped wherever it stands.
  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
