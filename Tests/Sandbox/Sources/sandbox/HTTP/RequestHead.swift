// Reading the head of an HTTP/1.1 request (RFC 9112). What is not well-formed is refused, never guessed.

/// The request cannot be understood: the answer is 400, and the connection ends.
struct BadRequest: Error {}

extension Call {
  /// Reads the head of the next request; `nil` when the client closed the connection instead.
  init?(from connection: Connection) throws {
    var left = 64 * 1024
    func nextLine() throws -> String? {
      guard let line = try connection.readLine(limit: left) else { return nil }
      left -= line.count
      guard left > 0, let text = String(validating: line, as: UTF8.self) else { throw BadRequest() }
      return text
    }

    guard let requestLine = try nextLine() else { return nil }
    let words = requestLine.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, Self.isToken(words[0]), !words[1].isEmpty,
      ["HTTP/1.1", "HTTP/1.0"].contains(words[2]),
      words[1].utf8.allSatisfy({ $0 > 32 && $0 != 127 })
    else { throw BadRequest() }

    var headers = Headers()
    while true {
      guard let line = try nextLine() else { throw ClientGone() }
      if line.isEmpty { break }
      guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), Self.isToken(line[..<colon])
      else { throw BadRequest() }
      let value = line[line.utf8.index(after: colon)...].trimmingBlanks()
      guard value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 }) else { throw BadRequest() }
      headers.append(String(line[..<colon]), String(value))
    }

    self.init(
      method: String(words[0]), target: String(words[1]), headers: headers,
      isHTTP10: words[2] == "HTTP/1.0", certificateFingerprint: nil)
    // Two lengths, or a length and chunks, are how requests are smuggled.
    if let length = self["Content-Length"] {
      guard !isChunked, !length.isEmpty, length.utf8.allSatisfy({ (48...57).contains($0) }),
        contentLength != nil
      else { throw BadRequest() }
    }
    if let coding = self["Transfer-Encoding"], coding.lowercased() != "chunked" {
      throw BadRequest()
    }
  }

  private static func isToken(_ text: Substring) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }
}

extension Substring {
  /// Without the blanks and tabs at both ends.
  fileprivate func trimmingBlanks() -> Substring {
    var text = self
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text.drop { $0 == " " || $0 == "\t" }
  }
}
