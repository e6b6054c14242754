// Drives every request of the program over one curl_multi loop, on one thread.
//
// Waiting for one transfer keeps all others moving: while the run reads the snapshot, its
// blocks go out. Everything that waits, waits here, and so ends here when the run must stop.
//
// See https://curl.se/libcurl/c/libcurl-multi.html.

internal import CCurl
internal import Glibc

/// Where requests go out and responses come in.
///
/// ```swift
/// let transport = Transport { deadline.stopReason }
/// let exchange = transport.start(Request("PUT", url, body: block), over: connection)
/// let page = try transport.send(Request("GET", other), over: connection)  // the block goes out meanwhile
/// let response = try transport.finish(exchange)
/// ```
@safe package final class Transport {
  /// `nil` where libcurl has none: then its functions refuse it, and every exchange fails with that.
  private let raw: UnsafeMutableRawPointer?
  private var abandoned: [Exchange] = []
  /// By the address of the libcurl handle.
  private var underWay: [UInt: Exchange] = [:]
  private let stopReason: () -> StopReason?
  /// Gets to know of every request that will be sent again, before the wait for it begins.
  package var retryObserver: ((Retry) -> Void)?
  /// Gets to know of every line that a program prints which runs on behalf of a request.
  package var messageObserver: ((_ line: String, _ source: String) -> Void)?

  /// How long a stop may go unnoticed.
  private static let longestPoll = Duration.milliseconds(200)
  /// No answer that is kept whole may be larger: a page of a listing is below 8 MiB.
  package static let largestAnswer = 16 << 20
  /// A streamed body waits in memory up to here; then the sender waits.
  private static let inboxCapacity = 1 << 20

  /// `stopReason` is asked at least five times a second while anything is waited for; once it
  /// gives a reason, every wait throws `TransferError.Kind.stopped`.
  package init(stopReason: @escaping () -> StopReason? = { nil }) {
    unsafe raw = LibCurl.status == CURLE_OK ? curl_multi_init() : nil
    self.stopReason = stopReason
  }

  deinit {
    for exchange in underWay.values {
      _ = unsafe curl_multi_remove_handle(raw, exchange.handle.raw)
    }
    _ = unsafe curl_multi_cleanup(raw)  // Nothing is left to be done about a failure.
  }

  // MARK: Whole answers

  /// Sends a request and waits for the whole answer, whatever its status.
  ///
  /// An answer of more than `limit` bytes is an error.
  package func send(
    _ request: Request, over connection: Connection, limit: Int = largestAnswer
  ) throws(TransferError) -> Response {
    let exchange = add(Exchange(request, over: connection, body: .collect(limit: limit)))
    defer { cancel(exchange) }
    return try finish(exchange)
  }

  /// Starts a request; its answer comes in while anything at all is waited for.
  package func start(
    _ request: Request, over connection: Connection, limit: Int = largestAnswer
  ) -> Exchange {
    add(Exchange(request, over: connection, body: .collect(limit: limit)))
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
    remove(exchange)
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
      let code = unsafe curl_multi_poll(raw, nil, 0, Int32(pause.wholeMilliseconds + 1), nil)
      if code != CURLM_OK {
        failAll("curl_multi_poll", code)
        usleep(1000)  // It did not wait, so that the loop would spin.
      }
      progress()
    }
  }

  /// Throws if the run must stop. Callers that never block must call this themselves.
  package func checkStop(_ subject: String, after failure: String? = nil) throws(TransferError) {
    guard let reason = stopReason() else { return }
    throw TransferError(.stopped(reason), request: subject, detail: failure ?? "")
  }

  package var mustStop: Bool { stopReason() != nil }

  /// Lets time pass while all transfers run on.
  package func sleep(
    for duration: Duration, before subject: String, after failure: String? = nil
  ) throws(TransferError) {
    try wait(for: subject, after: failure, until: .now + duration) { false }
  }

  /// Waits 1 ms so that one wake-up handles several packets.
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
    let code = unsafe curl_multi_perform(raw, &running)
    if code != CURLM_OK { failAll("curl_multi_perform", code) }
    var left: Int32 = 0
    while let message = unsafe curl_multi_info_read(raw, &left) {
      guard unsafe message.pointee.msg == CURLMSG_DONE,
        let easy = unsafe message.pointee.easy_handle
      else { continue }
      let code = unsafe curl_shim_message_result(message)
      guard let exchange = underWay.removeValue(forKey: UInt(bitPattern: easy)) else { continue }
      remove(exchange)
      exchange.finish(code)
    }
  }

  /// An exchange that cannot be begun has failed at once.
  private func add(_ exchange: Exchange) -> Exchange {
    guard !exchange.isFinished else { return exchange }
    let code = unsafe curl_multi_add_handle(raw, exchange.handle.raw)
    if code == CURLM_OK {
      underWay[exchange.handle.address] = exchange
    } else {
      exchange.fail(LibCurlFault("curl_multi_add_handle", code))
    }
    return exchange
  }

  /// libcurl may still call back into one that it does not let go of, so that must live on.
  private func remove(_ exchange: Exchange) {
    let code = unsafe curl_multi_remove_handle(raw, exchange.handle.raw)
    if code != CURLM_OK { abandoned.append(exchange) }
  }

  /// Where the loop itself fails, no transfer can go on.
  private func failAll(_ function: String, _ code: CURLMcode) {
    for exchange in underWay.values {
      exchange.fail(LibCurlFault(function, code))
      remove(exchange)
    }
    underWay.removeAll()
  }

  package func report(_ retry: Retry) {
    retryObserver?(retry)
  }

  package func report(_ line: String, of source: String) {
    messageObserver?(line, source)
  }
}
