// Tells how far a snapshot has come, from etcd or from the store: now and then in the log, steadily on a terminal.

internal import HTTP

/// Decides when there is something to tell, and what; given the time, it reads no clock.
package struct ProgressMeter {
  package struct Reading: Equatable, Sendable {
    package let received: UInt64
    package let expected: UInt64?
    /// Bytes per second since the beginning.
    package let rate: Double
    /// `nil` while it cannot be estimated.
    package let remaining: Duration?
  }

  private let interval: Duration
  private let start: ContinuousClock.Instant
  private var next: ContinuousClock.Instant

  package init(every interval: Duration, from start: ContinuousClock.Instant) {
    self.interval = interval
    self.start = start
    next = start + interval
  }

  /// A reading where one is due, `nil` otherwise.
  package mutating func note(
    received: UInt64, of expected: UInt64?, at now: ContinuousClock.Instant
  ) -> Reading? {
    guard now >= next else { return nil }
    next = now + interval
    let rate = Double(received) / start.duration(to: now).inSeconds
    let remaining = expected.flatMap { expected -> Duration? in
      rate > 0 ? .seconds(Double(expected - min(received, expected)) / rate) : nil
    }
    return Reading(received: received, expected: expected, rate: rate, remaining: remaining)
  }
}

/// A line on a terminal that is drawn over and over.
package struct ProgressBar {
  private let width: Int
  private let write: (String) -> Void

  package init(
    width: Int, write: @escaping (String) -> Void
  ) {
    self.width = width
    self.write = write
  }

  func draw(_ reading: ProgressMeter.Reading) {
    write("\r\u{1B}[K" + reading.bar(width: width))
  }

  func clear() {
    write("\r\u{1B}[K")
  }
}

/// Tells the progress of one snapshot: to the bar where there is one, else to the log.
struct Progress {
  private var meter: ProgressMeter
  private let log: Log
  private let bar: ProgressBar?
  private let message: String

  init(_ log: Log, _ bar: ProgressBar?, _ message: String = "snapshot progresses") {
    self.log = log
    self.bar = bar
    self.message = message
    meter = ProgressMeter(every: bar == nil ? .seconds(5) : .milliseconds(200), from: .now)
  }

  mutating func note(received: UInt64, of expected: UInt64?) {
    guard let reading = meter.note(received: received, of: expected, at: .now) else { return }
    if let bar {
      bar.draw(reading)
    } else {
      log.info(message, reading.fields)
    }
  }

  func end() {
    bar?.clear()
  }
}

extension ProgressMeter.Reading {
  /// One line for a terminal, `width` columns at most.
  package func bar(width: Int) -> String {
    var text = " \(ByteCount.describe(received))"
    if let expected { text += " of \(ByteCount.describe(expected))" }
    text += ", \(ByteCount.describe(UInt64(rate)))/s"
    if let remaining { text += ", \(Int(remaining.inSeconds.rounded(.up))) s left" }
    guard let expected, expected > 0, width > text.count + 12 else {
      return String(text.prefix(width))
    }
    let cells = min(width - text.count - 3, 40)
    let filled = Int(Double(cells) * Double(min(received, expected)) / Double(expected))
    return "[" + String(repeating: "#", count: filled)
      + String(repeating: ".", count: cells - filled) + "]" + text
  }

  var fields: LogFields {
    [
      "snapshot.received": received, "snapshot.rate": "\(ByteCount.describe(UInt64(rate)))/s",
      "snapshot.bytes": expected, "remaining.seconds": remaining.map { Int($0.inSeconds) },
    ]
  }
}
