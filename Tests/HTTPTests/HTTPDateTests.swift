// Dates as HTTP writes them.

import HTTP
import Testing

@Suite struct `An HTTP date` {
  @Test(arguments: [
    (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),  // RFC 9110, 5.6.7
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    (1_709_210_096, "Thu, 29 Feb 2024 12:34:56 GMT"),
    (1_740_794_584, "Sat, 01 Mar 2025 02:03:04 GMT"),
    (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
  ])
  func `is written and read as the RFC says`(seconds: Int, text: String) {
    #expect(HTTPDate.format(seconds) == text)
    #expect(HTTPDate.parse(text) == seconds)
  }

  @Test func `comes back from its text all through 500 years`() {
    var wrong: [Int] = []
    for day in stride(from: 0, to: 182_625, by: 13) {
      let seconds = day * 86_400 + day * 7919 % 86_400
      if HTTPDate.parse(HTTPDate.format(seconds)) != seconds { wrong.append(seconds) }
    }
    #expect(wrong.isEmpty)
  }

  @Test(arguments: [
    "", "GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49 GMT",
    "Sun, 06 Nov 1994 08:49:37:00 GMT", "Sun, 06 Nov 1994 08:49:37:x GMT",
    "Wed, 30 Feb 2000 00:00:00 GMT", "Wed, 29 Feb 2023 00:00:00 GMT",
    "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
    "Sun, \(Int.max) Nov 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT",
  ])
  func `is nothing else`(text: String) {
    #expect(HTTPDate.parse(text) == nil)
  }
}

@Suite struct `A calendar day` {
  @Test(arguments: [
    (0, 1970, 1, 1), (58, 1970, 2, 28), (59, 1970, 3, 1), (789, 1972, 2, 29), (790, 1972, 3, 1),
    (10_957, 2000, 1, 1), (11_016, 2000, 2, 29), (47_540, 2100, 2, 28), (47_541, 2100, 3, 1),
    (156_932, 2399, 9, 1),
  ])
  func `is where a calendar has it`(days: Int, year: Int, month: Int, day: Int) {
    let expected = CalendarDay(year: year, month: month, day: day)
    #expect(CalendarDay(daysSince1970: days) == expected)
    #expect(expected.daysSince1970 == days)
  }

  @Test func `follows the day before it`() {
    var previous = CalendarDay(daysSince1970: 0)
    var wrong: [Int] = []
    for days in 1..<182_625 {
      let next = CalendarDay(daysSince1970: days)
      let sameMonth = CalendarDay(year: previous.year, month: previous.month, day: previous.day + 1)
      let isLeap = previous.year % 4 == 0 && (previous.year % 100 != 0 || previous.year % 400 == 0)
      let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      let expected =
        if previous.day < lengths[previous.month - 1] {
          sameMonth
        } else if previous.month < 12 {
          CalendarDay(year: previous.year, month: previous.month + 1, day: 1)
        } else {
          CalendarDay(year: previous.year + 1, month: 1, day: 1)
        }
      if next != expected || next.daysSince1970 != days { wrong.append(days) }
      previous = next
    }
    #expect(wrong.isEmpty)
  }
}
