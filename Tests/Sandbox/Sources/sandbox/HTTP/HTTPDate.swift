// Dates as HTTP writes them: RFC 1123, English names, GMT, whole seconds.

import Foundation

/// A moment in whole seconds, written and read as `Sun, 06 Nov 1994 08:49:37 GMT`.
struct HTTPDate: Sendable, Comparable {
  /// Seconds since 1970-01-01T00:00:00Z.
  let seconds: Int

  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  init(seconds: Int) {
    self.seconds = seconds
  }

  static var now: HTTPDate { HTTPDate(seconds: Int(Date().timeIntervalSince1970)) }

  /// Returns `nil` for anything but the one fixed format; the weekday must fit the date.
  init?(_ text: String) {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 6, words[0].count == 4, words[0].hasSuffix(","), words[5] == "GMT",
      words[1].count == 2, let day = Int(words[1]), (1...31).contains(day),
      let month = Self.months.firstIndex(of: String(words[2])),
      words[3].count == 4, let year = Int(words[3])
    else { return nil }
    let clock = words[4].split(separator: ":", omittingEmptySubsequences: false)
    guard clock.count == 3, clock.allSatisfy({ $0.utf8.count == 2 }),
      let hour = Int(clock[0]), (0..<24).contains(hour),
      let minute = Int(clock[1]), (0..<60).contains(minute),
      let second = Int(clock[2]), (0...60).contains(second)
    else { return nil }
    let date = HTTPDate(
      seconds: Self.daysSince1970(year: year, month: month + 1, day: day) * 86_400
        + hour * 3600 + minute * 60 + second)
    guard date.description.hasPrefix(words[0]) else { return nil }
    self = date
  }

  static func < (left: HTTPDate, right: HTTPDate) -> Bool { left.seconds < right.seconds }

  func advanced(by seconds: Int) -> HTTPDate { HTTPDate(seconds: self.seconds + seconds) }

  /// Days in the proleptic Gregorian calendar, counted in eras of 400 years that start in March.
  private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let shifted = month > 2 ? year : year - 1
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}

extension HTTPDate: CustomStringConvertible {
  var description: String {
    let day = Int((Double(seconds) / 86_400).rounded(.down))
    let rest = seconds - day * 86_400
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let weekday = Self.days[((day % 7) + 7) % 7]
    return "\(weekday), \(padded(dayOfMonth)) \(Self.months[month - 1]) \(padded(year, 4)) "
      + "\(padded(rest / 3600)):\(padded(rest / 60 % 60)):\(padded(rest % 60)) GMT"
  }

  private func padded(_ number: Int, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}

extension HTTPDate: Codable {
  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let date = HTTPDate(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\"\(text)\" is not an HTTP date")
    }
    self = date
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
