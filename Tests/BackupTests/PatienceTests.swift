// When a run must stop, and when it must not.

import Backup
import HTTP
import Testing

@Suite struct `The patience of a run` {
  /// SIGTERM, under a test's control.
  final class Signal {
    var isGiven = false
  }

  let signal = Signal()

  func patience(for timeout: Duration = .seconds(3600)) -> Patience {
    Patience(timeout: timeout) { [signal] in signal.isGiven }
  }

  @Test func `lasts while nobody asks and the deadline is far`() {
    #expect(patience().stopReason == nil)
  }

  @Test func `U12: ends at once at a signal`() {
    let patience = patience()
    signal.isGiven = true
    #expect(patience.stopReason == .terminated)
  }

  @Test func `S7: ends at the deadline`() {
    #expect(patience(for: .zero).stopReason == .deadline)
    #expect(patience(for: .milliseconds(-1)).stopReason == .deadline)
  }

  @Test func `calls it a signal where the deadline has passed as well`() {
    signal.isGiven = true
    #expect(patience(for: .zero).stopReason == .terminated)
  }

  @Test func `U12: sees a commit through, whatever signal or deadline come`() {
    let patience = patience(for: .zero)
    signal.isGiven = true
    patience.beginCommit()
    #expect(patience.stopReason == nil)
  }

  @Test func `is as before when the commit is over`() {
    let patience = patience()
    patience.beginCommit()
    patience.endCommit()
    #expect(patience.stopReason == nil)
    signal.isGiven = true
    #expect(patience.stopReason == .terminated)
  }

  @Test func `gives a commit enough time for every retry`() {
    #expect(Patience.commitGrace >= .seconds(60))
  }
}
