// What is stored beside a blob's bytes: short texts under names of lower-case letters and digits.

internal import HTTP

/// Such names mean the same to Azure's C# rule, to header fields without case, and to every way of
/// sorting them for a signature. Azure allows 8 KiB in all.
package struct BlobMetadata: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  package private(set) var fields: [String: String] = [:]

  package init() {}

  package init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { self[name] = value }
  }

  /// Setting a value that is not plain ASCII text percent-encodes it: it becomes a header field.
  package subscript(name: String) -> String? {
    get { fields[name] }
    set {
      precondition(Self.isName(name), "\(name) cannot be the name of a metadata field")
      fields[name] = newValue.map { Self.isPlain($0) ? $0 : PercentEncoding.encode($0) }
    }
  }

  private static func isName(_ name: String) -> Bool {
    name.utf8.first?.isLowercaseLetter == true
      && name.utf8.allSatisfy { $0.isLowercaseLetter || $0.isDigit }
  }

  /// Header text that no proxy folds or trims.
  private static func isPlain(_ value: String) -> Bool {
    value.utf8.allSatisfy { (0x20...0x7E).contains($0) }
      && !value.hasPrefix(" ") && !value.hasSuffix(" ") && !value.contains("  ")
  }

  private static let headerPrefix = "x-ms-meta-"

  /// As header fields of a request, sorted by name.
  var headerFields: [(name: String, value: String)] {
    fields.sorted { $0.key < $1.key }.map { (Self.headerPrefix + $0.key, $0.value) }
  }

  /// What an answer's head tells; the names' case is dropped, as their meaning does not depend on it.
  init(response headers: Headers) {
    for field in headers.fields {
      let name = field.name.lowercased()
      guard name.hasPrefix(Self.headerPrefix) else { continue }
      fields[String(name.dropFirst(Self.headerPrefix.count))] = field.value
    }
  }

  /// Notes what a listing tells.
  mutating func note(listed name: String, _ value: String) {
    fields[name.lowercased()] = value
  }
}
