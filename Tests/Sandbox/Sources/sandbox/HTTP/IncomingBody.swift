// The body of one request, read piece by piece so that no block is ever held whole.

import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

/// Reads a body of announced length; a shorter one is a client that has gone, never a short body.
struct IncomingBody {
  private var pieces: RequestBody.AsyncIterator
  private var pace: Pace
  /// The channel of a client that waits for `100 Continue` before it sends anything.
  private var waiting: (any Channel)?
  /// Bytes the head announces.
  let announced: Int
  /// Bytes read so far.
  private(set) var received = 0

  /// The client still waits to be asked for the body.
  var isUnasked: Bool { waiting != nil }

  init(_ body: RequestBody, announced: Int, pace: Pace, waiting: (any Channel)?) {
    self.pieces = body.makeAsyncIterator()
    self.waiting = waiting
    self.announced = announced
    self.pace = pace
  }

  /// The next piece; `nil` at the end of a whole body.
  mutating func next() async throws -> ByteBuffer? {
    if let channel = waiting {
      waiting = nil
      try await channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)))
    }
    guard let piece = try await pieces.next() else {
      guard received == announced else { throw ClientGone() }
      return nil
    }
    received += piece.readableBytes
    try await pace.pass(piece.readableBytes)
    return piece
  }

  /// The whole of a small body, or `nil` (after reading it to its end) when it exceeds `limit`.
  mutating func collect(upTo limit: Int) async throws -> [UInt8]? {
    var bytes: [UInt8] = []
    while let piece = try await next() {
      if received <= limit { bytes.append(contentsOf: piece.readableBytesView) }
    }
    return received <= limit ? bytes : nil
  }

  /// Reads and forgets the rest, at most until `limit` bytes have come in all.
  mutating func discard(upTo limit: Int = .max) async throws {
    while received < min(limit, announced) {
      guard try await next() != nil else { return }
    }
  }
}
