/// Drives every request of the program over one curl_multi loop, on one thread.
///
/// Whoever waits for one transfer keeps all others moving: while the run reads the snapshot, its
/// blocks go out. Everything that waits, waits here, and so ends here when the run must stop.
///
/// See https://curl.se/libcurl/c/libcurl-multi.html.

internal import CCurl
internal import Glibc

@safe package final class Transport {
  private let raw: UnsafeMutableRawPointer
  /// By the address of the libcurl handle.
  private var underWay: [UInt: Exchange] = [:]
  private let stopReason: () -> StopReason?

  /// How long a stop may go unnoticed.
  private static let longestPoll = Duration.milliseconds(200)
  /// No answer that is kept whole may be larger: a page of a listing is below 8 MiB.
  private static let largestAnswer = 16 << 20
  /// A streamed body waits in memory up to here; then the sender waits.
  private static let inboxCapacity = 1 << 20

  /// `stopReason` is asked at least five times a second while anything is waited for; once it
  /// gives a reason, every wait throws `TransferError.Kind.stopped`.
  package init(stopReason: @escaping () -> StopReason? = { nil }) {
    LibCurl.initialize()
    guard let raw = unsafe curl_multi_init() else {
      // Only exhausted memory leads here, and that ends a Swift program at any allocation. It is as safe
      // as to be killed: whenever a run dies, either nothing is visible in the store or a proven backup
      // is, which the kills at random moments of the tests C2 and U12 show.
      fatalError("libcurl could not allocate a multi handle")
    }
    unsafe self.raw = raw
    self.stopReason = stopReason
  }

  deinit {
    for exchange in underWay.values {
      unsafe curl_multi_remove_handle(raw, exchange.handle.raw)
    }
    unsafe curl_multi_cleanup(raw)
  }

  // MARK: Whole answers

  /// Sends a request and waits for the whole answer, whatever its status.
  package func send(_ request: Request, over connection: Connection) throws(TransferError)
    -> Response
  {
    let exchange = start(request, over: connection)
    defer { cancel(exchange) }
    return try finish(exchange)
  }

  /// Starts a request; its answer comes in while anything at all is waited for.
  package func start(_ request: Request, over connection: Connection) -> Exchange {
    add(Exchange(request, over: connection, body: .collect(limit: Self.largestAnswer)))
  }

  /// Starts a request for a part of something; the part is appended to `payload` as it comes in,
  /// and what has come stays there even where the rest does not.
  package func start(_ request: Request, over connection: Connection, filling payload: Payload)
    -> Exchange
  {
    add(
      Exchange(request, over: connection, body: .fill(payload, limit: Self.largestAnswer)))
  }

  /// Waits for an answer that was started earlier.
  package func finish(_ exchange: Exchange) throws(TransferError) -> Response {
    try wait(for: exchange.request.summary) { exchange.isFinished }
    guard let result = exchange.result else {
      preconditionFailure("waited for an exchange that did not finish")
    }
    return try result.get()
  }

  /// Takes a request off the wire; its connection is closed unless it had finished.
  package func cancel(_ exchange: Exchange) {
    guard underWay.removeValue(forKey: exchange.handle.address) != nil else { return }
    unsafe curl_multi_remove_handle(raw, exchange.handle.raw)
  }

  // MARK: Streamed answers

  /// Sends a request and waits for the head of its answer; the body is then read piece by piece.
  package func download(_ request: Request, over connection: Connection) throws(TransferError)
    -> Download
  {
    let exchange = add(
      Exchange(request, over: connection, body: .stream(inboxCapacity: Self.inboxCapacity)))
    let download = Download(exchange, on: self)
    try wait(for: request.summary) { exchange.hasHead || exchange.isFinished }
    // Bytes that came before a failure are the reader's, so with a head the failure waits its turn.
    if !exchange.hasHead, case .failure(let error) = exchange.result { throw error }
    return download
  }

  // MARK: Waiting

  /// Runs all transfers until `condition` holds or, where given, `instant` has come.
  ///
  /// `subject` says what is waited for, and `failure` why that takes another attempt, for the error
  /// of a run that must stop.
  package func wait(
    for subject: String, after failure: String? = nil,
    until instant: ContinuousClock.Instant? = nil, _ condition: () -> Bool
  ) throws(TransferError) {
    progress()
    while !condition() {
      try checkStop(subject, after: failure)
      var pause = Self.longestPoll
      if let instant {
        let left = ContinuousClock.now.duration(to: instant)
        if left <= .zero { return }
        pause = min(pause, left)
      }
      unsafe curl_multi_poll(raw, nil, 0, Int32(pause.wholeMilliseconds + 1), nil)
      progress()
    }
  }

  /// Throws where the run must stop. Whoever never has to wait must ask by himself.
  func checkStop(_ subject: String, after failure: String? = nil) throws(TransferError) {
    guard let reason = stopReason() else { return }
    throw TransferError(.stopped(reason), request: subject, detail: failure ?? "")
  }

  /// Lets time pass while all transfers run on.
  package func sleep(
    for duration: Duration, before subject: String, after failure: String? = nil
  ) throws(TransferError) {
    try wait(for: subject, after: failure, until: .now + duration) { false }
  }

  /// Lets more arrive for a moment that nobody notices.
  ///
  /// A sender on a fast network would otherwise wake us for each of its packets, which costs both
  /// sides more processor time than what is in them: a fifth of ours, where etcd is on this machine.
  func gather() {
    usleep(1000)
    progress()
  }

  /// Moves all transfers as far as they go without waiting.
  package func progress() {
    var running: Int32 = 0
    unsafe curl_multi_perform(raw, &running)
    var left: Int32 = 0
    while let message = unsafe curl_multi_info_read(raw, &left) {
      guard unsafe message.pointee.msg == CURLMSG_DONE,
        let easy = unsafe message.pointee.easy_handle
      else { continue }
      let code = unsafe curl_shim_message_result(message)
      let exchange = underWay.removeValue(forKey: UInt(bitPattern: easy))
      unsafe curl_multi_remove_handle(raw, easy)
      exchange?.finish(code)
    }
  }

  private func add(_ exchange: Exchange) -> Exchange {
    unsafe curl_multi_add_handle(raw, exchange.handle.raw)
    underWay[exchange.handle.address] = exchange
    return exchange
  }
}
