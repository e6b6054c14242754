// How often and how patiently something is tried again.

import HTTP
import Testing

@Suite struct `A retry policy` {
  let policy = RetryPolicy(
    maximumAttempts: 5, firstDelay: .seconds(1), longestDelay: .seconds(6))

  @Test(arguments: [(1, 1.0), (2, 2), (3, 4), (4, 6)])
  func `doubles its delay up to the longest`(attempt: Int, seconds: Double) {
    #expect(policy.delay(after: attempt, retryAfter: nil, jitter: 0.5) == .seconds(seconds))
  }

  @Test(arguments: [(0.0, 0.5), (0.25, 0.75), (0.75, 1.25)])
  func `spreads its delay by the jitter`(jitter: Double, seconds: Double) {
    #expect(policy.delay(after: 1, retryAfter: nil, jitter: jitter) == .seconds(seconds))
  }

  @Test(arguments: [5, 6, 100])
  func `gives up after its last attempt`(attempt: Int) {
    #expect(policy.delay(after: attempt, retryAfter: nil, jitter: 0) == nil)
    #expect(policy.delay(after: attempt, retryAfter: .zero, jitter: 0) == nil)
  }

  @Test func `obeys a server that asks for more time`() {
    #expect(policy.delay(after: 1, retryAfter: .seconds(20), jitter: 0.5) == .seconds(20))
  }

  @Test func `does not hurry for a server that asks for less`() {
    #expect(policy.delay(after: 3, retryAfter: .seconds(1), jitter: 0.5) == .seconds(4))
  }

  @Test func `gives up on a server that asks for too much`() {
    #expect(policy.delay(after: 1, retryAfter: .seconds(120), jitter: 0) == .seconds(120))
    #expect(policy.delay(after: 1, retryAfter: .seconds(121), jitter: 0) == nil)
  }

  @Test func `never overflows, however many attempts it allows`() {
    let patient = RetryPolicy(
      maximumAttempts: .max, firstDelay: .seconds(1), longestDelay: .seconds(30))
    #expect(patient.delay(after: 1_000_000, retryAfter: nil, jitter: 0.99) == .seconds(30))
  }

  @Test func `by default lets a restart pass, but not an outage`() {
    let standard = RetryPolicy.standard
    var attempt = 1
    var waited = Duration.zero
    while let delay = standard.delay(after: attempt, retryAfter: nil, jitter: 0.5) {
      waited += delay
      attempt += 1
    }
    #expect(attempt == 7)
    #expect((.seconds(20))...(.seconds(60)) ~= waited, "\(waited)")
  }
}
