// Points in time as logs and records show them: `2026-11-22T09:30:00Z`.

internal import FoundationEssentials
internal import HTTP

package enum Timestamp {
  /// `seconds` since 1970, in UTC.
  package static func format(_ seconds: Int) -> String { ISO8601.format(seconds) }

  /// Returns `nil` for anything but what `format` makes of a time from 1970 on.
  package static func parse(_ text: String) -> Int? { ISO8601.parse(text) }

  /// Parses a day, or a time with `Z` or an offset.
  package static func parseAny(_ text: String) -> Int? { ISO8601.parseAny(text) }

  package static func now() -> String { format(secondsNow()) }

  /// The wall clock, in seconds since 1970.
  package static func secondsNow() -> Int { millisecondsNow() / 1000 }

  package static func millisecondsNow() -> Int {
    Int(Date().timeIntervalSince1970 * 1000)
  }
}
