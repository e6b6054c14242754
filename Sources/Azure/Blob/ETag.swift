// One version of a blob's content, as the service names it.

/// In header fields it stands in quotes, in listings without; here always without.
package struct ETag: Hashable, Sendable {
  /// Azure's are `0x` and 15 hexadecimal digits. Without the `0x` such a text takes no memory beside
  /// the value, and retention holds thousands.
  private let text: String
  private let isHexadecimal: Bool

  private static let hexadecimalPrefix = "0x"

  /// Returns `nil` where `text` could not stand in a header field.
  package init?(_ text: String) {
    var tag = text[...]
    if tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.utf8.count >= 2 {
      tag = tag.dropFirst().dropLast()
    }
    guard !tag.isEmpty,
      tag.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") })
    else { return nil }
    isHexadecimal = tag.hasPrefix(Self.hexadecimalPrefix)
    self.text = String(isHexadecimal ? tag.dropFirst(Self.hexadecimalPrefix.count) : tag)
  }

  /// As `If-Match` wants it.
  var quoted: String { "\"\(description)\"" }
}

extension ETag: CustomStringConvertible {
  package var description: String { isHexadecimal ? Self.hexadecimalPrefix + text : text }
}
