// Holds the token that requests are sent with, and fetches the next one before it is needed.

internal import FoundationEssentials
package import HTTP

/// A renewal is another transfer on the loop that moves everything else: until a token ends nothing
/// waits for the next one.
package final class TokenSource {
  package let identity: Identity
  private let transport: Transport
  private let connection: Connection
  private let retryPolicy: RetryPolicy
  private let now: () -> ContinuousClock.Instant

  private var current: AccessToken?
  /// Whether the store has accepted the current token.
  private var isAccepted = false
  /// Whether the current token was fetched because the store refused the one before.
  private var isReplacement = false
  private var isReplacing = false
  private var renewal: (exchange: Exchange, start: ContinuousClock.Instant)?
  /// A renewal that failed is tried again, but not at once.
  private var nextRenewal: ContinuousClock.Instant?

  /// In bytes: many times a token, and little to decode.
  private static let largestResponse = 256 << 10
  private static let pauseBetweenRenewals = Duration.seconds(30)
  /// Seconds. Together a minute, in which a fresh federated credential spreads.
  private static let pausesWhileSpreading = [2, 5, 10, 20, 20]
  /// IMDS may be away for 70 seconds while it is updated.
  private static let policyOfIMDS = RetryPolicy(
    maximumAttempts: 9, firstDelay: .milliseconds(500), longestDelay: .seconds(30))

  /// `connection` leads to the authority; IMDS is reached by a way of its own. `now` tells the time.
  package init(
    _ identity: Identity, transport: Transport, connection: Connection,
    retryPolicy: RetryPolicy? = nil,
    now: @escaping () -> ContinuousClock.Instant = { .now }
  ) {
    self.now = now
    self.identity = identity
    self.transport = transport
    if case .managed = identity {
      // Never through a proxy.
      var local = Connection()
      local.timeouts.connect = .seconds(2)
      local.timeouts.total = .seconds(20)
      self.connection = local
      self.retryPolicy = retryPolicy ?? Self.policyOfIMDS
    } else {
      self.connection = connection
      self.retryPolicy = retryPolicy ?? .standard
    }
  }

  deinit {
    if let renewal { transport.cancel(renewal.exchange) }
  }

  // MARK: What requests are sent with

  /// The value of the `Authorization` field; waits only where no token can serve.
  func authorization() throws(AzureError) -> String {
    takeRenewal()
    let time = now()
    if let current, time < current.end {
      if current.renewal <= time, renewal == nil, nextRenewal.map({ $0 <= time }) ?? true {
        startRenewal(at: time)
      }
      return current.headerValue
    }
    do throws(TokenError) {
      return try fetch().headerValue
    } catch {
      throw .noToken(error)
    }
  }

  /// The store has accepted a request with this field.
  func noteAcceptance(of authorization: String?) {
    if current?.headerValue == authorization { isAccepted = true }
  }

  /// Says whether a request that the store refused can be sent again with another token. However
  /// many requests were refused with one token, it is replaced once; the second refused in a row
  /// is final.
  func replace(refused authorization: String?) -> Bool {
    guard let current, current.headerValue == authorization else { return true }
    guard isAccepted || !isReplacement else { return false }
    self.current = nil
    isReplacing = true
    return true
  }

  /// What is known of the token that requests are sent with; `nil` before the first one.
  package var terms: TokenTerms? {
    current.map {
      TokenTerms(
        identity: identity.name, subject: identity.claims?.subject, claims: $0.claims,
        expiry: $0.expiry)
    }
  }

  // MARK: Renewal

  /// What goes wrong here goes wrong again when the token has ended, and is told then.
  private func startRenewal(at time: ContinuousClock.Instant) {
    nextRenewal = time + Self.pauseBetweenRenewals
    guard let request = try? identity.tokenRequest() else { return }
    renewal = (start(request), time)
  }

  private func takeRenewal() {
    guard let (exchange, start) = renewal, let result = exchange.result else { return }
    renewal = nil
    do throws(TokenError) {
      keep(try token(from: result, requested: start, attempt: 1))
    } catch {
      transport.report(
        Retry(attempt: 1, delay: Self.pauseBetweenRenewals, cause: error.description))
    }
  }

  private func keep(_ token: AccessToken) {
    current = token
    isAccepted = false
    isReplacement = isReplacing
    isReplacing = false
  }

  // MARK: Waiting for a token

  private func fetch() throws(TokenError) -> AccessToken {
    var attempt = 1
    var spreading = Self.pausesWhileSpreading[...]
    var hasReadAgain = false
    while true {
      do throws(TokenError) {
        let token = try exchange(attempt: attempt)
        keep(token)
        return token
      } catch {
        var pause = error.isTransient ? retryPause(after: error, attempt) : nil
        if case .refused(let refusal, _) = error {
          if refusal.isSpreading { pause = spreading.popFirst().map { .seconds($0) } }
          if refusal.isStaleAssertion, !hasReadAgain {
            hasReadAgain = true
            pause = .zero
          }
        }
        guard let pause else { throw error }
        transport.report(Retry(attempt: attempt, delay: pause, cause: error.description))
        try sleep(for: pause, after: error)
        attempt += 1
      }
    }
  }

  private func retryPause(after error: TokenError, _ attempt: Int) -> Duration? {
    retryPolicy.delay(
      after: attempt, retryAfter: error.retryAfter, jitter: .random(in: 0..<1))
  }

  private func sleep(for pause: Duration, after error: TokenError) throws(TokenError) {
    do throws(TransferError) {
      try transport.sleep(for: pause, before: identity.address, after: error.description)
    } catch {
      throw .unanswered(identity.name, error, attempts: 1)
    }
  }

  /// One request for a token, or the renewal that is under way.
  private func exchange(attempt: Int) throws(TokenError) -> AccessToken {
    let (exchange, start): (Exchange, ContinuousClock.Instant)
    if let renewal {
      (exchange, start) = renewal
      self.renewal = nil
    } else {
      let request = try identity.tokenRequest()
      (exchange, start) = (self.start(request), now())
    }
    defer { transport.cancel(exchange) }
    let result = Result { () throws(TransferError) in try transport.finish(exchange) }
    return try token(from: result, requested: start, attempt: attempt)
  }

  private func start(_ request: Request) -> Exchange {
    transport.start(request, over: connection, limit: Self.largestResponse)
  }

  private func token(
    from result: Result<Response, TransferError>, requested: ContinuousClock.Instant, attempt: Int
  ) throws(TokenError) -> AccessToken {
    switch result {
    case .failure(let error): throw .unanswered(identity.name, error, attempts: attempt)
    case .success(let response):
      guard response.status == 200 else {
        throw .refused(TokenRefusal(response, to: identity), attempts: attempt)
      }
      return try token(in: response, requested: requested)
    }
  }

  private func token(
    in response: Response, requested: ContinuousClock.Instant
  ) throws(TokenError) -> AccessToken {
    guard let read = try? JSONDecoder().decode(TokenResponse.self, from: Data(response.body)) else {
      throw .unreadable(url: identity.address, reason: "it is not the JSON of a token")
    }
    let now = Int(Date().timeIntervalSince1970)
    let life = read.lifetime ?? read.end.map { max($0, 0) - now }
    guard let life, life > 0 else {
      throw .unreadable(url: identity.address, reason: "the token has no time to live")
    }
    guard
      let token = AccessToken(read.token, requested: requested, seconds: life, now: now)
    else {
      throw .unreadable(url: identity.address, reason: "the token cannot stand in a header field")
    }
    return token
  }
}
