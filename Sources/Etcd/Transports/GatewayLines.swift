// A snapshot as the gateway sends it: one JSON object per line, or one right after the other.

internal import FoundationEssentials
internal import Glibc
package import HTTP

/// `{"result":{"remaining_bytes":"N","blob":"…"}}`
///
/// A line end follows each message, but not in etcd 3.3.0 to 3.3.20: there the next message does.
/// An error may come after any number of messages, with or without a line end, in a response of
/// status 200 that ends cleanly.
package struct GatewayLines: SnapshotDecoder {
  private var inbox = Inbox()
  /// How far the line that is being awaited has been searched for its end.
  private var searched = 0
  private var hasEnded = false
  private let decoder = JSONDecoder()
  private var blob = Data()
  package private(set) var remaining: UInt64 = 0

  /// etcd's lines have some 44 KB; a line that outgrows this is not etcd's.
  private static let longestLine = 1 << 20

  package init() {}

  package mutating func feed(_ piece: inout [UInt8]) {
    inbox.feed(&piece)
  }

  package mutating func end(trailers: Headers) {
    hasEnded = true
  }

  package mutating func advance() throws(DecodingFault) -> Bool {
    while let (line, isEnded) = try nextLine() {
      let isBlank = line.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
      if isBlank { continue }
      try decode(line, isEnded: isEnded)
      return true
    }
    return false
  }

  package func withBlob<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(blob.bytes)
  }

  private struct Line: Decodable {
    struct Message: Decodable {
      let remaining_bytes: LenientUInt64?
      let blob: Data?
    }
    let result: Message
  }

  private mutating func decode(_ line: Data, isEnded: Bool) throws(DecodingFault) {
    if let message = Self.message(inStyleOfEtcd: line) {
      (blob, remaining) = message
      return
    }
    if let message = try? decoder.decode(Line.self, from: line).result {
      (blob, remaining) = (message.blob ?? Data(), message.remaining_bytes?.value ?? 0)
      return
    }
    // Not a message: etcd's own error, a line that was cut, or nothing of etcd's at all.
    if let fault = GatewayFault(body: Array(line)) { throw .refused(message: fault.message) }
    if !isEnded && line.first == UInt8(ascii: "{") { throw .truncated }
    throw .garbled(excerpt: excerpt(line, length: 120))
  }

  /// The next line without its line end, and whether it has ended; only the last may lack that.
  private mutating func nextLine() throws(DecodingFault) -> (Data, isEnded: Bool)? {
    switch findEnd() {
    case .lineEnd(let length):
      defer { inbox.skip(1) }
      searched = 0
      return (takeLine(length), true)
    case .nextMessage(let length):
      searched = 0
      return (takeLine(length), true)
    case .notYet(let length):
      searched = length
    }
    guard inbox.count <= Self.longestLine else {
      throw .garbled(excerpt: excerpt(takeLine(min(inbox.count, 64 << 10)), length: 120))
    }
    guard hasEnded, inbox.count > 0 else { return nil }
    return (takeLine(inbox.count), false)
  }

  private mutating func takeLine(_ count: Int) -> Data {
    Data(inbox.bytes[inbox.take(count)])
  }

  /// What the bytes of a line end with.
  private enum End {
    case lineEnd(after: Int)
    case nextMessage(after: Int)
    /// With nothing so far, and nothing before this place need be searched again.
    case notYet(searched: Int)
  }

  /// A message ends where `}{` stands: neither base64 nor a number holds that. The text of an error
  /// may, but nothing follows an error.
  private func findEnd() -> End {
    unsafe inbox.bytes.withUnsafeBytes { whole in
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: whole[inbox.position...])
      var position = searched
      while position < bytes.count {
        let brace = unsafe bytes.firstIndex(of: "}", in: position..<bytes.count)
        let next = (brace ?? bytes.count - 1) + 1
        if let end = unsafe bytes.firstIndex(of: "\n", in: position..<next) {
          return .lineEnd(after: end)
        }
        guard let brace else { break }
        guard next < bytes.count else { return .notYet(searched: brace) }
        switch unsafe bytes[next] {
        case UInt8(ascii: "\n"): return .lineEnd(after: next)
        case UInt8(ascii: "{") where unsafe bytes.starts(with: Self.messageStart):
          return .nextMessage(after: next)
        default: position = next
        }
      }
      return .notYet(searched: bytes.count)
    }
  }

  private static let messageStart = Array(#"{"result":"#.utf8)
}

extension UnsafeRawBufferPointer {
  fileprivate func firstIndex(of character: Unicode.Scalar, in range: Range<Int>) -> Int? {
    guard let start = baseAddress,
      let found = unsafe memchr(start + range.lowerBound, Int32(character.value), range.count)
    else { return nil }
    return unsafe UnsafeRawPointer(found) - start
  }
}

extension GatewayLines {
  /// Reads a line that is byte for byte in etcd's own style, so that a blob need not be read as JSON
  /// before it is read as base64; `nil` where JSON of another style, or something else, may be in it.
  private static func message(inStyleOfEtcd line: Data) -> (blob: Data, remaining: UInt64)? {
    let opening = Array(#"{"result":{"remaining_bytes":""#.utf8)
    let middle = Array(#"","blob":""#.utf8)
    let closing = Array(#""}}"#.utf8)
    let digits = line.dropFirst(opening.count).prefix {
      UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
    }
    let start = digits.endIndex + middle.count
    let end = line.endIndex - closing.count
    guard start <= end, line.starts(with: opening),
      line[digits.endIndex..<start].elementsEqual(middle), line[end...].elementsEqual(closing),
      let remaining = UInt64(String(decoding: digits, as: UTF8.self)),
      let blob = Data(base64Encoded: line[start..<end])
    else { return nil }
    return (blob, remaining)
  }
}
