// The one filter for everything that this program prints.

/// Text of others may hold secrets, ends of lines and what a terminal obeys.
package enum Printable {
  /// One line or one cell of text: without secrets, with everything escaped that does not print.
  package static func text(_ text: String) -> String {
    escaped(Secrets.redact(text))
  }

  /// One JSON document, the same; only its strings can hold what is escaped here.
  package static func json(_ text: String) -> String {
    escaped(Secrets.redact(json: text))
  }

  /// A double-quoted scalar of YAML; its secrets are removed already. Beyond what `text` escapes, it
  /// escapes what YAML does not take: https://yaml.org/spec/1.2.2/#51-character-set.
  package static func yaml(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      if scalar == "\"" || scalar == "\\" {
        result += "\\\(scalar)"
      } else if isHarmful(scalar) || scalar.value & 0xFFFE == 0xFFFE {
        let digits = String(scalar.value, radix: 16)
        result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// As JSON escapes it, for text as well: one notation for both.
  private static func escaped(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isHarmful) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if isHarmful(scalar) {
        result.append(contentsOf: escape(scalar).unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// Control characters of C0 and C1, what ends a line anywhere, and what is invisible but changes
  /// how the rest is shown, the direction of writing among them.
  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    if (0x20...0x7E).contains(scalar.value) { return false }
    return switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    String(scalar).utf16.map { unit in
      let digits = String(unit, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined()
  }
}
