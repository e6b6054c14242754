// Dates as HTTP writes them, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7); no locale, no time zone.

package enum HTTPDate {
  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// `seconds` count from 1970-01-01T00:00:00Z and are not negative.
  package static func format(_ seconds: Int) -> String {
    let days = seconds / 86_400
    let date = CalendarDay(daysSince1970: days)
    let clock = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60]
      .map(twoDigits).joined(separator: ":")
    let month = months[date.month - 1]
    return "\(weekdays[days % 7]), \(twoDigits(date.day)) \(month) \(date.year) \(clock) GMT"
  }

  /// Seconds since 1970-01-01T00:00:00Z, or `nil` where `text` is not such a date.
  package static func parse(_ text: String) -> Int? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT",
      let day = Int(parts[1]), (1...31).contains(day),
      let month = months.firstIndex(of: String(parts[2])),
      let year = Int(parts[3]), (1970...9999).contains(year)
    else { return nil }
    let date = CalendarDay(year: year, month: month + 1, day: day)
    // A day that its month does not have would be some other day.
    guard CalendarDay(daysSince1970: date.daysSince1970) == date else { return nil }
    let clock = parts[4].split(separator: ":").map { Int($0) ?? -1 }
    guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]),
      (0...60).contains(clock[2])
    else { return nil }
    return date.daysSince1970 * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
  }

  private static func twoDigits(_ number: Int) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}

/// A day of the Gregorian calendar, convertible to and from a count of days.
///
/// Counts from 1 March of year 0, so that the leap day is the last day of its year and months
/// follow the 153-days-in-five-months pattern.
package struct CalendarDay: Equatable, Sendable {
  package let year: Int
  /// 1...12
  package let month: Int
  /// 1...31
  package let day: Int

  package init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// `days` are not negative.
  package init(daysSince1970 days: Int) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  package var daysSince1970: Int {
    let marchYear = month <= 2 ? year - 1 : year
    let era = marchYear / 400
    let yearOfEra = marchYear % 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
