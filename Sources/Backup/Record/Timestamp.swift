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

  /// Parses a time as RFC 3339 writes it, with `Z` or an offset; a fraction of a second is dropped.
  ///
  ///     Timestamp.parseRFC3339("2026-11-22T10:30:00+01:00")  // as 2026-11-22T09:30:00Z
  ///
  /// See https://www.rfc-editor.org/rfc/rfc3339#section-5.6.
  package static func parseRFC3339(_ text: String) -> Int? {
    let text = text.uppercased()
    guard let seconds = parse(text.prefix(19) + "Z") else { return nil }
    var rest = text.dropFirst(19)
    func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
    if rest.first == "." {
      let fraction = rest.dropFirst().prefix(while: isDigit)
      guard !fraction.isEmpty else { return nil }
      rest = rest.dropFirst(1 + fraction.count)
    }
    if rest == "Z" { return seconds }
    let parts = rest.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
    guard let sign = rest.first, sign == "+" || sign == "-", parts.count == 2,
      parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(isDigit) }),
      let hours = Int(parts[0]), let minutes = Int(parts[1]), hours < 24, minutes < 60
    else { return nil }
    let offset = (hours * 60 + minutes) * 60
    return sign == "+" ? seconds - offset : seconds + offset
  }

  package static func now() -> String { format(secondsNow()) }

  /// The wall clock, in seconds since 1970.
  package static func secondsNow() -> Int { millisecondsNow() / 1000 }

  package static func millisecondsNow() -> Int {
    Int(Date().timeIntervalSince1970 * 1000)
  }
}
