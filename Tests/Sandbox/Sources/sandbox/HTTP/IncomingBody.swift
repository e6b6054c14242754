// The body of one request, read piece by piece so that no block is ever held whole.

/// Reads a body of announced length, or in chunks; a shorter one is a client that has gone, never a
/// short body.
struct IncomingBody {
  private let connection: Connection
  private var pace: Pace
  /// The client waits for `100 Continue` before it sends anything.
  private(set) var isUnasked: Bool
  /// Bytes the head announces; 0 for a body in chunks.
  let announced: Int
  /// Bytes still to come, of the body or of the present chunk.
  private var left: Int
  private var hasMoreChunks: Bool
  /// Bytes read so far.
  private(set) var received = 0

  init(of call: Call, on connection: Connection, pace: Pace) {
    self.connection = connection
    self.pace = pace
    isUnasked = call.expectsContinue
    announced = call.contentLength ?? 0
    left = announced
    hasMoreChunks = call.isChunked
  }

  /// The next piece; `nil` at the end of a whole body.
  mutating func next() throws -> [UInt8]? {
    if isUnasked {
      isUnasked = false
      try connection.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }
    if left == 0 && hasMoreChunks { try beginChunk() }
    guard left > 0 else { return nil }
    let piece = try connection.read(upTo: left)
    guard !piece.isEmpty else { throw ClientGone() }
    left -= piece.count
    received += piece.count
    if left == 0 && hasMoreChunks { guard try nextLine().isEmpty else { throw BadRequest() } }
    pace.pass(piece.count)
    return piece
  }

  /// Reads the size of the next chunk; the one of size 0 is the last, and its trailer is ignored.
  private mutating func beginChunk() throws {
    guard let size = Int(try nextLine().prefix { $0 != ";" && $0 != " " }, radix: 16), size >= 0
    else {
      throw BadRequest()
    }
    left = size
    if size == 0 {
      hasMoreChunks = false
      while try !nextLine().isEmpty {}
    }
  }

  private func nextLine() throws -> String {
    guard let line = try connection.readLine(limit: 8192) else { throw ClientGone() }
    return String(decoding: line, as: UTF8.self)
  }

  /// The whole of a small body, or `nil` (after reading it to its end) when it exceeds `limit`.
  mutating func collect(upTo limit: Int) throws -> [UInt8]? {
    var bytes: [UInt8] = []
    while let piece = try next() {
      if received <= limit { bytes += piece }
    }
    return received <= limit ? bytes : nil
  }

  /// Reads and forgets the rest, at most until `limit` bytes have come in all.
  mutating func discard(upTo limit: Int = .max) throws {
    while received < limit, try next() != nil {}
  }
}
