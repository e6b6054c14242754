// One of several requests that are under way at once, each sent again by itself until the service has confirmed it.

internal import HTTP

/// The attempts at one request: due, in flight, or confirmed.
///
/// Blocks of an upload and ranges of a download go through it, while anything at all is waited for:
///
///     try request.advance(in: container) { try container.start(block) } confirm: { exchange, result in … }
struct RetriedRequest {
  private enum State {
    /// The next attempt is due then; `after` what the last one failed with.
    case due(ContinuousClock.Instant, after: AzureError?)
    case inFlight(Exchange)
    case confirmed
  }

  private var state = State.due(.now, after: nil)
  private var lastFailure: AzureError?
  /// Counts from 1, which is the first.
  private(set) var attempt = 0

  /// Takes the step that can be taken without waiting: starts an attempt that is due, or judges one
  /// that has ended.
  ///
  /// `confirm` throws unless the service did what was asked. An attempt after which `hasProgressed`
  /// was not in vain, so that the count begins anew.
  mutating func advance(
    in container: BlobContainer, start: () throws(AzureError) -> Exchange,
    confirm: (Exchange, Result<Response, TransferError>) throws(AzureError) -> Void,
    hasProgressed: () -> Bool = { false }
  ) throws(AzureError) {
    switch state {
    case .due(let time, _) where time <= .now:
      attempt += 1
      state = .inFlight(try start())
    case .inFlight(let exchange):
      guard let result = exchange.result else { break }
      do throws(AzureError) {
        try confirm(exchange, result)
        state = .confirmed
      } catch {
        if hasProgressed() { attempt = 1 }
        guard let delay = container.delay(after: error, and: lastFailure, attempt: attempt) else {
          throw error
        }
        lastFailure = error
        state = .due(.now + delay, after: error)
      }
    case .due, .confirmed:
      break
    }
  }

  var isConfirmed: Bool {
    if case .confirmed = state { true } else { false }
  }

  fileprivate var exchange: Exchange? {
    if case .inFlight(let exchange) = state { exchange } else { nil }
  }

  fileprivate var dueTime: ContinuousClock.Instant? {
    if case .due(let time, _) = state { time } else { nil }
  }

  fileprivate var failure: AzureError? {
    if case .due(_, let failure) = state { failure } else { nil }
  }
}

extension BlobContainer {
  /// Waits until one of the requests has ended or its next attempt is due.
  func wait(
    for requests: [RetriedRequest], of operation: StorageOperation, at url: String
  ) throws(AzureError) {
    let exchanges = requests.compactMap(\.exchange)
    do {
      try transport.wait(
        for: "\(operation.method) \(url)", after: requests.compactMap(\.failure).last?.description,
        until: requests.compactMap(\.dueTime).min()
      ) {
        exchanges.contains { $0.result != nil }
      }
    } catch {
      throw .unanswered(operation, error, attempts: 1)
    }
  }

  /// Takes the requests off the wire.
  func cancel(_ requests: [RetriedRequest]) {
    for exchange in requests.compactMap(\.exchange) { transport.cancel(exchange) }
  }
}
