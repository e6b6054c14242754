// Points in time as logs and records show them: `2026-11-22T09:30:00Z`.

internal import FoundationEssentials

package enum Timestamp {
  /// `seconds` since 1970, in UTC.
  package static func format(_ seconds: Int) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
  }

  /// Returns `nil` for anything but what `format` makes of a time from 1970 on.
  package static func parse(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    guard bytes.count == 20 else { return nil }
    var numbers: [Int] = []
    var number = 0
    for (byte, shape) in zip(bytes, "0000-00-00T00:00:00Z".utf8) {
      if shape == UInt8(ascii: "0") {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        number = number * 10 + Int(byte - UInt8(ascii: "0"))
      } else {
        guard byte == shape else { return nil }
        numbers.append(number)
        number = 0
      }
    }
    let (year, month, day) = (numbers[0], numbers[1], numbers[2])
    let (hour, minute, second) = (numbers[3], numbers[4], numbers[5])
    guard year >= 1970, (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
      second < 60
    else { return nil }
    // Years that begin in March, so that a leap day is the last of its year:
    // https://howardhinnant.github.io/date_algorithms.html#days_from_civil
    let shifted = month > 2 ? year : year - 1
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    return days * 86_400 + hour * 3600 + minute * 60 + second
  }

  package static func now() -> String { format(secondsNow()) }

  /// The wall clock, in seconds since 1970.
  package static func secondsNow() -> Int { millisecondsNow() / 1000 }

  package static func millisecondsNow() -> Int {
    Int(Date().timeIntervalSince1970 * 1000)
  }
}
