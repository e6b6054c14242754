// Points in time as text and back, always in UTC and in English: the calendar is glibc's.

internal import CCurl
internal import Glibc

/// The calendar of glibc: seconds since 1970, and the parts of a date.
private enum Calendar {
  /// By a pattern of strftime(3). `seconds` are not negative.
  static func format(_ seconds: Int, _ pattern: String) -> String {
    var seconds = seconds
    var parts = unsafe tm()
    guard unsafe gmtime_r(&seconds, &parts) != nil else { return "\(seconds)" }
    var text = [CChar](repeating: 0, count: 64)
    let length = unsafe strftime(&text, text.count, pattern, &parts)
    return String(decoding: text.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Year, month, day, hour, minute and second; 30 February is 1 March.
  static func seconds(_ numbers: [Int32]) -> Int {
    var parts = unsafe tm()
    unsafe parts.tm_year = numbers[0] - 1900
    unsafe parts.tm_mon = numbers[1] - 1
    unsafe parts.tm_mday = numbers[2]
    unsafe parts.tm_hour = numbers[3]
    unsafe parts.tm_min = numbers[4]
    unsafe parts.tm_sec = numbers[5]
    return unsafe timegm(&parts)
  }
}

/// Dates as HTTP writes them, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
package enum HTTPDate {
  private static let pattern = "%a, %d %b %Y %H:%M:%S GMT"

  package static func format(_ seconds: Int) -> String { Calendar.format(seconds, pattern) }

  /// Seconds since 1970, or `nil` for anything but what `format` writes: libcurl alone takes many
  /// kinds of dates.
  package static func parse(_ text: String) -> Int? {
    let seconds = unsafe curl_getdate(text, nil)
    return seconds >= 0 && format(seconds) == text ? seconds : nil
  }
}

/// Times as Azure, Kubernetes and this program write them, `2026-11-22T09:30:00Z` (ISO 8601).
package enum ISO8601 {
  package static func format(_ seconds: Int) -> String {
    Calendar.format(seconds, "%Y-%m-%dT%H:%M:%SZ")
  }

  /// Parses exactly what `format` writes.
  package static func parse(_ text: String) -> Int? {
    let numbers = text.utf8.split { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      .compactMap { Int32(Substring($0)) }
    guard numbers.count == 6, numbers.allSatisfy({ $0 < 10_000 }) else { return nil }
    let seconds = Calendar.seconds(numbers)
    return seconds >= 0 && format(seconds) == text ? seconds : nil
  }

  /// Parses a day, or a time with `Z` or an offset, with or without seconds; drops fractions of one.
  ///
  ///     ISO8601.parseAny("2026-11-22T10:30+01:00")  // as 2026-11-22T09:30:00Z
  package static func parseAny(_ text: String) -> Int? {
    let halves = text.uppercased().split(
      separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
    guard halves.count == 2 else { return parse("\(text)T00:00:00Z") }
    let clock = halves[1].prefix { !"Z+-".contains($0) }
    guard let offset = offset(halves[1].dropFirst(clock.count)) else { return nil }
    let parts = clock.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2 {
      // Seven digits are the most that Azure writes and reads.
      guard (1...7).contains(parts[1].count), parts[1].allSatisfy({ ("0"..."9").contains($0) })
      else { return nil }
    }
    let seconds = parts[0].count == 5 ? "\(parts[0]):00" : String(parts[0])
    return parse("\(halves[0])T\(seconds)Z").map { $0 - offset }
  }

  /// East of Greenwich, in seconds.
  private static func offset(_ zone: Substring) -> Int? {
    if zone == "Z" { return 0 }
    guard let sign = zone.first,
      let seconds = parse("1970-01-01T\(zone.dropFirst()):00Z")
    else { return nil }
    return sign == "-" ? -seconds : seconds
  }
}
