// When a run must stop, and when it must not.

import Backup
import HTTP
import Testing

@Suite struct `The deadline of a run` {
  /// SIGTERM, under a test's control.
  final class Signal {
    var isGiven = false
  }

  let signal = Signal()

  func deadline(for timeout: Duration = .seconds(3600)) -> RunDeadline {
    RunDeadline(timeout: timeout) { [signal] in signal.isGiven }
  }

  @Test func `lasts while nobody asks and the deadline is far`() {
    #expect(deadline().stopReason == nil)
  }

  @Test func `U12: ends at once at a signal`() {
    let deadline = deadline()
    signal.isGiven = true
    #expect(deadline.stopReason == .terminated)
  }

  @Test func `S7: ends at the deadline`() {
    #expect(deadline(for: .zero).stopReason == .deadline)
    #expect(deadline(for: .milliseconds(-1)).stopReason == .deadline)
  }

  @Test func `calls it a signal where the deadline has passed as well`() {
    signal.isGiven = true
    #expect(deadline(for: .zero).stopReason == .terminated)
  }

  @Test func `U12: sees a commit through, whatever signal or deadline come`() {
    let deadline = deadline(for: .zero)
    signal.isGiven = true
    deadline.beginCommit()
    #expect(deadline.stopReason == nil)
  }

  @Test func `is as before when the commit is over`() {
    let deadline = deadline()
    deadline.beginCommit()
    deadline.endCommit()
    #expect(deadline.stopReason == nil)
    signal.isGiven = true
    #expect(deadline.stopReason == .terminated)
  }

  @Test func `gives a commit enough time for every retry`() {
    #expect(RunDeadline.commitGrace >= .seconds(60))
  }
}
