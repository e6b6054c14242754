// How often and how patiently something is tried again. Pure: draws no random number, reads no clock.

/// A request that failed and will be sent again.
package struct Retry: Sendable {
  /// Which attempt failed, from 1.
  package let attempt: Int
  package let delay: Duration
  /// Without anything that is secret.
  package let cause: String

  package init(attempt: Int, delay: Duration, cause: String) {
    self.attempt = attempt
    self.delay = delay
    self.cause = cause
  }
}

package struct RetryPolicy: Sendable, Equatable {
  /// The first try included.
  package var maximumAttempts: Int
  /// Grows twofold from one try to the next.
  package var firstDelay: Duration
  package var longestDelay: Duration
  /// A server that asks to be left alone for longer is given up on.
  package var longestRetryAfter = Duration.seconds(120)

  package init(maximumAttempts: Int, firstDelay: Duration, longestDelay: Duration) {
    self.maximumAttempts = maximumAttempts
    self.firstDelay = firstDelay
    self.longestDelay = longestDelay
  }

  /// Seven tries within about a minute: rides over a restart or a fail-over, not over an outage.
  package static let standard = RetryPolicy(
    maximumAttempts: 7, firstDelay: .milliseconds(500), longestDelay: .seconds(30))

  /// How long to wait after the `attempt`-th try (from 1) failed; `nil`: give up.
  ///
  /// `retryAfter` is what the server asked for; it is obeyed where it is longer than our own delay.
  /// `jitter`, 0..<1, spreads that delay over 0.5 to 1.5 of its nominal length.
  package func delay(after attempt: Int, retryAfter: Duration?, jitter: Double) -> Duration? {
    guard attempt < maximumAttempts else { return nil }
    if let retryAfter, retryAfter > longestRetryAfter { return nil }
    let doubled = firstDelay * Double(1 << min(attempt - 1, 20)) * (0.5 + jitter)
    return max(min(doubled, longestDelay), retryAfter ?? .zero)
  }
}
