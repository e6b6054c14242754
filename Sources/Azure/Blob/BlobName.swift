// Names of containers and blobs that Azure takes: checked once, at the edge.
//
// See https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata.
//
// The grammar of the two names that are configured. The chart (templates/_grammar.tpl) admits the same;
// blanks around a value are dropped before, and so is one slash at its end:
//
//   container = 3 to 63 of a-z 0-9 -, which begins and ends with a letter or digit, without "--"
//   prefix    = part *( "/" part ), 1 to 498 characters (Unicode code points)
//   part      = 1 or more characters, of which the last is not "."
//   character = any but "/", "\" and the control characters U+0000 to U+001F and U+007F to U+009F
//
// As regular expressions, where a slash at the end is still there:
//
//   container   ^[a-z0-9](-?[a-z0-9]){2,62}/?$   and at most 63 characters before the slash
//   prefix      ^C*D(/C*D)*/?$                   and at most 498 characters before the slash
//               C = [^/\\\x00-\x1f\x7f-\x9f]       D = [^./\\\x00-\x1f\x7f-\x9f]

/// The name of a container.
package struct ContainerName: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// The value of a variable or an argument: one slash at its end is dropped.
  package init(configured text: String) throws(InvalidValue) {
    try self.init(text.droppingLastSlash)
  }

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

/// The first part of the names of all blobs of one cluster: what stands in front of the last slash.
package struct BlobPrefix: Hashable, Sendable, CustomStringConvertible {
  /// Without a slash at its end.
  package let description: String

  /// With the slash and the 26 characters of a backup's name, a prefix of this length is below
  /// Azure's 1024 even where every character counts twice, as in UTF-16. No more than 249 parts fit
  /// in, of the 254 that Azure allows.
  private static let longest = 498

  /// Drops one slash at the end of `text`.
  ///
  /// Azure warns of parts that end in a full stop: URL libraries take it away, and then the
  /// signature is that of another name. A backslash is turned into a slash in the same way.
  package init(configured text: String) throws(InvalidValue) {
    let prefix = text.droppingLastSlash
    // Code points, not characters: a slash is one too where an accent follows it.
    let points = prefix.unicodeScalars
    let parts = points.split(separator: "/", omittingEmptySubsequences: false)
    let isRight =
      points.count <= Self.longest
      && parts.allSatisfy { !$0.isEmpty && $0.last != "." }
      && points.allSatisfy {
        $0.properties.generalCategory != .control && $0 != "\\"
      }
    guard isRight else {
      throw InvalidValue(
        text,
        expected: "the first part of blob names: 1 to \(Self.longest) characters without \\ and "
          + "control characters, and between slashes no part that is empty or ends in a full stop")
    }
    description = prefix
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

extension String {
  fileprivate var droppingLastSlash: String {
    unicodeScalars.last == "/" ? String(unicodeScalars.dropLast()) : self
  }
}

extension UInt8 {
  var isLowercaseLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
  var isUppercaseLetter: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
  var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
