/// Names of containers and blobs that Azure takes: checked once, at the edge.
///
/// See https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata.

/// The name of a container.
package struct ContainerName: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ text: String) throws(InvalidValue) {
    let isRight =
      (3...63).contains(text.utf8.count)
      && text.utf8.allSatisfy { $0.isLowercaseLetter || $0.isDigit || $0 == UInt8(ascii: "-") }
      && !text.hasPrefix("-") && !text.hasSuffix("-") && !text.contains("--")
    guard isRight else {
      throw InvalidValue(
        text,
        expected: "the name of a container: 3 to 63 lower-case letters, digits and single hyphens, "
          + "with a letter or digit at both ends")
    }
    description = text
  }
}

/// The name of a blob within its container; its slashes make up folders.
package struct BlobName: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ text: String) throws(InvalidValue) {
    let segments = text.split(separator: "/", omittingEmptySubsequences: false)
    let isRight =
      (1...1024).contains(text.utf16.count) && segments.count <= 254
      && !text.hasSuffix("/") && !text.hasSuffix(".")
      && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
      && !segments.contains(".") && !segments.contains("..")
    guard isRight else {
      throw InvalidValue(
        text,
        expected: "the name of a blob: 1 to 1024 characters in at most 254 parts between slashes, "
          + "no control characters, no part . or .., no slash or full stop at the end")
    }
    description = text
  }

  /// A name that the service itself told us.
  init(listed name: String) {
    description = name
  }
}

extension UInt8 {
  var isLowercaseLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
  var isUppercaseLetter: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
  var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
