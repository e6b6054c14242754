// Waiting for something other than an answer.

import HTTP
import Testing

@Suite struct `A transport` {
  @Test func `sleeps as long as it was told to`() throws {
    let began = ContinuousClock.now
    try Transport().sleep(for: .milliseconds(350), before: "the next attempt")
    let slept = ContinuousClock.now - began
    #expect((.milliseconds(350))...(.seconds(60)) ~= slept, "\(slept)")
  }

  @Test(arguments: [Duration.zero, .seconds(-1)])
  func `does not sleep for no time at all`(duration: Duration) throws {
    let began = ContinuousClock.now
    try Transport().sleep(for: duration, before: "the next attempt")
    #expect(ContinuousClock.now - began < .seconds(60))
  }

  @Test func `waits until a condition holds`() throws {
    var looks = 0
    try Transport().wait(for: "the third look") {
      looks += 1
      return looks == 3
    }
    #expect(looks == 3)
  }

  @Test func `waits no longer than until its instant`() throws {
    let began = ContinuousClock.now
    try Transport().wait(for: "nothing", until: began + .milliseconds(100)) { false }
    #expect(ContinuousClock.now - began >= .milliseconds(100))
  }

  @Test func `asks several times a second whether to stop`() throws {
    var questions = 0
    let transport = Transport {
      questions += 1
      return nil
    }
    try transport.sleep(for: .seconds(4), before: "the next attempt")
    // Five times a second, on a machine that has time.
    #expect(questions >= 5)
  }

  @Test func `needs no reason to stop what already holds`() throws {
    try Transport { .terminated }.wait(for: "nothing") { true }
  }
}

@Suite struct `A duration` {
  @Test(arguments: [
    (Duration.zero, 0, 0.0), (.milliseconds(1), 1, 0.001), (.microseconds(1999), 1, 0.001999),
    (.seconds(90), 90_000, 90), (.seconds(-2), -2000, -2),
  ])
  func `counts in whole milliseconds and in seconds`(
    duration: Duration, milliseconds: Int, seconds: Double
  ) {
    #expect(duration.wholeMilliseconds == milliseconds)
    #expect(duration.inSeconds == seconds)
  }
}
