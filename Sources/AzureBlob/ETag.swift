/// One version of a blob's content, as the service names it.

/// In header fields it stands in quotes, in listings without; here always without.
package struct ETag: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// Returns `nil` where `text` could not stand in a header field.
  package init?(_ text: String) {
    var tag = text[...]
    if tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.utf8.count >= 2 {
      tag = tag.dropFirst().dropLast()
    }
    guard !tag.isEmpty,
      tag.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") })
    else { return nil }
    description = String(tag)
  }

  /// As `If-Match` wants it.
  var quoted: String { "\"\(description)\"" }
}
