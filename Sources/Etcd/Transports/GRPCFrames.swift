// A snapshot as native gRPC sends it: length-prefixed protocol buffers, and a status after the last.

internal import FoundationEssentials
package import HTTP

/// `[1 byte: compressed or not][4 bytes: length, big-endian][message]`, as
/// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md says.
///
/// The stream is only over when the trailer `grpc-status: 0` says so.
package struct GRPCFrames: SnapshotDecoder {
  private var inbox = Inbox()
  private var trailers: Headers?
  private var blob = 0..<0
  package private(set) var remaining: UInt64 = 0

  /// etcd's messages have 32 KiB and a few bytes; one that announces more than this is not etcd's.
  private static let longestMessage = 4 << 20
  static let headerSize = 5

  package init() {}

  package mutating func feed(_ piece: inout [UInt8]) {
    inbox.feed(&piece)
  }

  package mutating func end(trailers: Headers) {
    self.trailers = trailers
  }

  package mutating func advance() throws(DecodingFault) -> Bool {
    guard let length = try lengthOfMessage(), inbox.count >= Self.headerSize + length else {
      try checkEnd()
      return false
    }
    inbox.skip(Self.headerSize)
    try decode(inbox.take(length))
    return true
  }

  package func withBlob<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(inbox.bytes.span.bytes.extracting(blob))
  }

  /// `nil` where the next message's header has not come yet.
  private func lengthOfMessage() throws(DecodingFault) -> Int? {
    guard inbox.count >= Self.headerSize else { return nil }
    let header = inbox.bytes[inbox.position..<inbox.position + Self.headerSize]
    let length = header.dropFirst().reduce(0) { $0 << 8 | Int($1) }
    // We do not offer any compression.
    guard header.first == 0, length <= Self.longestMessage else {
      throw .garbled(excerpt: "a message that begins with the bytes \(Array(header))")
    }
    return length
  }

  /// Once the body has ended, nothing may be left over, and the status must be good.
  private func checkEnd() throws(DecodingFault) {
    guard let trailers else { return }
    guard let status = GRPCStatus(trailers) else { throw .truncated }
    if status.code != 0 { throw .refused(message: status.message) }
    if inbox.count > 0 { throw .truncated }
  }

  /// SnapshotResponse: 2 remaining_bytes, 3 blob; 1 header and 4 version are of no use here.
  private mutating func decode(_ place: Range<Int>) throws(DecodingFault) {
    var reader = ProtobufReader(inbox.bytes, in: place)
    remaining = 0
    blob = 0..<0
    while let (field, value) = reader.next() {
      switch (field, value) {
      case (2, .varint(let number)): remaining = number
      case (3, .bytes(let content)): blob = content
      case (2, _), (3, _): throw .garbled(excerpt: "a message with a field of another type")
      default: break
      }
    }
    guard !reader.isMalformed else {
      throw .garbled(excerpt: "a message that is no protocol buffer")
    }
  }
}

/// How a gRPC call ended: `grpc-status` and `grpc-message`.
struct GRPCStatus: Equatable {
  let code: Int
  let message: String

  /// Returns `nil` where there is no status, which means that the call did not end.
  init?(_ fields: Headers) {
    guard let code = fields["grpc-status"].flatMap({ Int($0) }) else { return nil }
    self.code = code
    let text = fields["grpc-message"].map { PercentEncoding.decode($0) ?? $0 } ?? ""
    message = text.isEmpty ? Self.details(fields) ?? "gRPC status \(code)" : text
  }

  /// `grpc-status-details-bin`: base64 of google.rpc.Status, whose field 2 is the message.
  private static func details(_ fields: Headers) -> String? {
    guard var text = fields["grpc-status-details-bin"] else { return nil }
    text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    guard let bytes = Data(base64Encoded: text),
      let message = ProtobufMessage(Array(bytes))?.text(2), !message.isEmpty
    else { return nil }
    return message
  }
}
