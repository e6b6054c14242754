/// Points in time as logs and records show them: `2026-11-22T09:30:00Z`.

internal import FoundationEssentials

package enum Timestamp {
  /// `seconds` since 1970, in UTC.
  package static func format(_ seconds: Int) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
  }

  package static func now() -> String { format(secondsNow()) }

  /// The wall clock, in seconds since 1970.
  package static func secondsNow() -> Int { millisecondsNow() / 1000 }

  package static func millisecondsNow() -> Int {
    Int(Date().timeIntervalSince1970 * 1000)
  }
}
