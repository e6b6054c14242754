import Foundation

/// Waits; only the connection of the calling thread waits with it.
func pause(for duration: Duration) {
  Thread.sleep(forTimeInterval: duration / .seconds(1))
}

/// The pace at which a scripted fault lets bytes through one connection.
struct Pace {
  /// `nil`: no limit.
  var bytesPerSecond: Int?
  private let start = ContinuousClock.now
  private var bytes = 0

  init(bytesPerSecond: Int? = nil) {
    self.bytesPerSecond = bytesPerSecond
  }

  /// Waits until `count` more bytes are due.
  mutating func pass(_ count: Int) {
    guard let bytesPerSecond else { return }
    bytes += count
    let due = start + .seconds(Double(bytes) / Double(bytesPerSecond))
    pause(for: max(.zero, due - .now))
  }
}
