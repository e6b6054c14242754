// Which scalars without quotes are numbers or booleans to kubectl, that is to YAML 1.1 as Go reads it.

extension YAMLNode {
  /// Whether kubectl reads a text here, and not a number or a boolean.
  ///
  /// A list and a mapping are no text either. A tag that says otherwise is not looked at: such a value
  /// is refused, never misread.
  var isText: Bool {
    guard let scalar, !isTaggedOtherwise else { return false }
    return !scalar.isPlain || !Self.isBoolean(scalar.text) && !Self.isNumber(scalar.text)
  }

  private static func isBoolean(_ text: String) -> Bool {
    [
      "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON",
      "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF",
    ].contains(text)
  }

  private static func isNumber(_ text: String) -> Bool {
    if [".nan", ".NaN", ".NAN"].contains(text) { return true }
    var digits = text[...]
    if let sign = digits.first, sign == "+" || sign == "-" { digits.removeFirst() }
    if [".inf", ".Inf", ".INF"].contains(digits) { return true }
    guard digits.first?.isASCII == true, digits.first?.isNumber == true || digits.first == "."
    else {
      return false
    }
    let plain = digits.filter { $0 != "_" }
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2), ("0o", 8), ("0O", 8)]
    where plain.hasPrefix(prefix) {
      return UInt64(plain.dropFirst(2), radix: radix) != nil
    }
    // Swift reads more than digits, a point and an exponent, such as hexadecimal fractions.
    guard plain.allSatisfy({ "0123456789.eE+-".contains($0) }) else { return false }
    return (Double(plain.hasSuffix(".") ? plain + "0" : plain)?.isFinite) ?? false
  }
}
