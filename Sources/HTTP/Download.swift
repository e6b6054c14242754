// The reading end of an answer whose body is too large to keep: pulled, never pushed.

/// The body of a response that is still coming in.
///
/// ```swift
/// let download = try transport.download(request, over: connection)
/// while try download.read(into: &bytes) { … }
/// ```
///
/// While nothing reads, at most about 1 MiB waits in memory, and then the sender waits.
/// Letting go of a download takes it off the wire.
package struct Download: ~Copyable {
  private let exchange: Exchange
  private let transport: Transport

  /// A piece of this size is worth waking up for.
  private static let plenty = 512 << 10

  init(_ exchange: Exchange, on transport: Transport) {
    self.exchange = exchange
    self.transport = transport
  }

  deinit {
    transport.cancel(exchange)
  }

  package var status: Int { exchange.status }
  package var headers: Headers { exchange.headers }
  /// Fields after the body; complete once `read` has said that the body has ended.
  package var trailers: Headers { exchange.trailers }

  /// Replaces `bytes` by the next piece of the body; `false`, and `bytes` empty, once the body has
  /// ended as HTTP says it should.
  ///
  /// Throws where it ended in any other way; what came before has been handed out by then.
  package func read(into bytes: inout [UInt8]) throws(TransferError) -> Bool {
    bytes.removeAll(keepingCapacity: true)
    exchange.resume()
    if !exchange.isFinished { try transport.checkStop(exchange.request.summary) }
    try transport.wait(for: exchange.request.summary) {
      !exchange.inbox.isEmpty || exchange.isFinished
    }
    if exchange.inbox.count < Self.plenty, !exchange.isFinished { transport.gather() }
    if exchange.inbox.isEmpty {
      if case .failure(let error) = exchange.result { throw error }
      return false
    }
    swap(&bytes, &exchange.inbox)
    return true
  }

  /// All the rest of a body that should be short, such as an error's; cut off at `limit` bytes.
  package consuming func readAll(limit: Int) throws(TransferError) -> [UInt8] {
    var all: [UInt8] = []
    var piece: [UInt8] = []
    while all.count < limit, try read(into: &piece) { all += piece }
    return Array(all.prefix(limit))
  }
}
