// How far a snapshot has come, told now and then.

import Backup
import Testing

@Suite struct `The progress of a snapshot` {
  let start = ContinuousClock.now

  func note(
    received: UInt64, of expected: UInt64?, after seconds: Double
  ) -> ProgressMeter.Reading? {
    var meter = ProgressMeter(every: .seconds(1), from: start)
    return meter.note(received: received, of: expected, at: start + .seconds(seconds))
  }

  @Test func `is told once an interval, and not before the first has passed`() {
    var meter = ProgressMeter(every: .seconds(5), from: start)
    let told = [0, 1, 4.9, 5, 5.1, 9.9, 10, 31, 32, 36].filter { second in
      meter.note(received: 1, of: 2, at: start + .seconds(second)) != nil
    }
    #expect(told == [5, 10, 31, 36])
  }

  @Test func `knows rate and remaining time`() throws {
    let reading = try #require(note(received: 30_000_000, of: 120_000_000, after: 3))
    #expect(reading.received == 30_000_000)
    #expect(reading.expected == 120_000_000)
    #expect(reading.rate == 10_000_000)
    #expect(reading.remaining == .seconds(9))
  }

  @Test(arguments: [(UInt64(0), UInt64?.some(100)), (100, nil), (0, nil)])
  func `does not guess the remaining time where it cannot`(received: UInt64, expected: UInt64?)
    throws
  {
    #expect(try #require(note(received: received, of: expected, after: 2)).remaining == nil)
  }

  @Test func `has no time left where more came than was expected`() throws {
    #expect(try #require(note(received: 200, of: 100, after: 2)).remaining == .zero)
  }

  // MARK: On a terminal

  @Test func `is a bar with sizes, rate and remaining time`() throws {
    let reading = try #require(note(received: 30 << 20, of: 120 << 20, after: 3))
    #expect(
      reading.bar(width: 80)
        == "[########.........................] 30.0 MiB of 120.0 MiB, 10.0 MiB/s, 9 s left")
  }

  @Test(arguments: [(UInt64(0), 0), (25, 10), (50, 20), (100, 40), (150, 40)])
  func `fills the bar by its share`(received: UInt64, filled: Int) throws {
    let bar = try #require(note(received: received, of: 100, after: 2)).bar(width: 200)
    #expect(bar.count { $0 == "#" } == filled)
    #expect(bar.count { $0 == "." } >= 40 - filled)
  }

  @Test func `is told without a bar while the end is not known`() throws {
    let reading = try #require(note(received: 2048, of: nil, after: 2))
    #expect(reading.bar(width: 80) == " 2.0 KiB, 1.0 KiB/s")
  }

  @Test(arguments: [1, 10, 20, 40, 45, 50, 60, 80, 200])
  func `never takes more columns than there are`(width: Int) throws {
    let reading = try #require(note(received: 30 << 20, of: 120 << 20, after: 3))
    #expect(reading.bar(width: width).count <= width)
  }
}
