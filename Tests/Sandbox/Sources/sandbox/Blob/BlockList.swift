// The XML of Put Block List, read strictly: only what the documented grammar allows.

/// The blocks of a blob to be, in order.
struct BlockList: Sendable {
  enum Source: String, Sendable {
    case latest = "Latest"
    case committed = "Committed"
    case uncommitted = "Uncommitted"
  }

  struct Entry: Sendable {
    let source: Source
    let id: String
  }

  static let maximumBlocks = 50_000
  let entries: [Entry]

  init(_ document: [UInt8]) throws(BlobError) {
    guard let text = String(validating: document, as: UTF8.self) else { throw .invalidXML }
    var scanner = Scanner(rest: Substring(text))
    scanner.skip(XML.byteOrderMark)
    scanner.skipSpace()
    if scanner.skip("<?xml") {
      guard scanner.read(until: "?>") != nil else { throw .invalidXML }
    }
    scanner.skipSpace()
    var entries: [Entry] = []
    if scanner.skipTag("BlockList", "/>") {
      // An empty list, written short.
    } else {
      guard scanner.skipTag("BlockList", ">") else { throw .invalidXML }
      while true {
        scanner.skipSpace()
        if scanner.skip("</BlockList") { break }
        entries.append(try scanner.entry())
        guard entries.count <= Self.maximumBlocks else { throw .blockListTooLong }
      }
      scanner.skipSpace()
      guard scanner.skip(">") else { throw .invalidXML }
    }
    scanner.skipSpace()
    guard scanner.rest.isEmpty else { throw .invalidXML }
    self.entries = entries
  }

  private struct Scanner {
    var rest: Substring

    @discardableResult mutating func skip(_ text: String) -> Bool {
      guard rest.utf8.starts(with: text.utf8) else { return false }
      rest = Substring(rest.utf8.dropFirst(text.utf8.count))
      return true
    }

    mutating func skipSpace() {
      rest = rest.drop { $0.isWhitespace }
    }

    /// `<name` with blanks and then `end`; nothing is skipped when it is something else.
    mutating func skipTag(_ name: String, _ end: String) -> Bool {
      let start = rest
      if skip("<\(name)") {
        skipSpace()
        if skip(end) { return true }
      }
      rest = start
      return false
    }

    /// The text before `end`, which is skipped as well.
    mutating func read(until end: String) -> Substring? {
      guard let range = rest.firstRange(of: end) else { return nil }
      let text = rest[..<range.lowerBound]
      rest = rest[range.upperBound...]
      return text
    }

    mutating func entry() throws(BlobError) -> Entry {
      for source in [Source.latest, .uncommitted, .committed] {
        guard skipTag(source.rawValue, ">") else { continue }
        guard let id = read(until: "</\(source.rawValue)>"), !id.contains("<") else {
          throw .invalidXML
        }
        return Entry(source: source, id: try BlockID.check(trimmed(id)))
      }
      throw .invalidXML
    }

    private func trimmed(_ text: Substring) -> String {
      String(text.split(whereSeparator: \.isWhitespace).joined(separator: " "))
    }
  }
}
