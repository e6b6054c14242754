// Writing XML: only what the blob service's answers need.

/// XML text.
enum XML {
  static let declaration = #"<?xml version="1.0" encoding="utf-8"?>"#
  /// The service starts its bodies with a byte order mark; clients have to cope.
  static let byteOrderMark = "\u{FEFF}"

  static func escape(_ text: String) -> String {
    guard text.utf8.contains(where: { "&<>\"'".utf8.contains($0) }) else { return text }
    return text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
      .replacing(">", with: "&gt;").replacing("\"", with: "&quot;").replacing("'", with: "&apos;")
  }

  static func element(_ name: String, _ text: String) -> String {
    "<\(name)>\(escape(text))</\(name)>"
  }

  /// Nothing at all for `nil`.
  static func element(_ name: String, optional text: String?) -> String {
    text.map { element(name, $0) } ?? ""
  }
}
