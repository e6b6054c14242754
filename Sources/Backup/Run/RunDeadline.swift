// How long a run may go on: until SIGTERM or its deadline, but never stopped halfway through a commit.

package import HTTP

/// Every wait of the run asks this.
package final class RunDeadline {
  private let isTerminated: () -> Bool
  private let deadline: ContinuousClock.Instant
  /// Set from the commit until the backup is recorded.
  private var commitDeadline: ContinuousClock.Instant?

  /// Enough to commit, read back and record through some retries of a shaky network, yet a bound.
  package static let commitGrace = Duration.seconds(120)

  package init(timeout: Duration, isTerminated: @escaping () -> Bool) {
    self.isTerminated = isTerminated
    deadline = .now + timeout
  }

  /// Before the commit nothing is visible and the run may stop at any moment. From here on it must
  /// see its backup through to the record: SIGTERM waits, and the deadline is put off.
  package func beginCommit() {
    commitDeadline = max(deadline, .now + Self.commitGrace)
  }

  package func endCommit() {
    commitDeadline = nil
  }

  package var stopReason: StopReason? {
    if let commitDeadline {
      return .now >= commitDeadline ? .deadline : nil
    }
    if isTerminated() { return .terminated }
    return .now >= deadline ? .deadline : nil
  }
}
