// Moments for people and logs: RFC 3339 in UTC.

import Foundation

/// RFC 3339 texts.
enum Timestamp {
  /// With milliseconds, as in `2026-11-22T09:30:00.123Z`.
  static var now: String {
    Date().formatted(
      .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(
        separator: .omitted))
  }

  /// In whole seconds, as in `2026-11-22T09:30:00Z`.
  static var nowInSeconds: String { Date().formatted(.iso8601) }
}
