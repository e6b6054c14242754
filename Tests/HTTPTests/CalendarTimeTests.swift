// Times as HTTP and ISO 8601 write them.

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

@Suite struct `A time in ISO 8601` {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
    (4_107_542_400, "2100-03-01T00:00:00Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
  ])
  func `is written and read`(seconds: Int, text: String) {
    #expect(ISO8601.format(seconds) == text)
    #expect(ISO8601.parse(text) == seconds)
    #expect(ISO8601.parseAny(text) == seconds)
  }

  @Test func `comes back from its text all through 500 years`() {
    let wrong = stride(from: 0, to: 182_625, by: 13).filter { day in
      let seconds = day * 86_400 + day * 7919 % 86_400
      return ISO8601.parse(ISO8601.format(seconds)) != seconds
    }
    #expect(wrong.isEmpty)
  }

  @Test(arguments: [
    "2026-11-22T10:30:00+01:00", "2026-11-22t06:00-03:30", "2026-11-22T09:30:00.9999999Z",
    "2026-11-22T09:30Z", "2026-11-23T00:15:00.5+14:45",
  ])
  func `is read with an offset, a fraction, or no seconds`(text: String) {
    #expect(ISO8601.parseAny(text) == ISO8601.parse("2026-11-22T09:30:00Z"))
  }

  @Test func `may be a day, which begins at midnight`() {
    #expect(ISO8601.parseAny("2026-11-22") == ISO8601.parse("2026-11-22T00:00:00Z"))
  }

  @Test(arguments: [
    "", "T", "2026-11-22T", "2026-11-22T09:30:00", "2026-11-22 09:30:00Z", "2026-11-22T09Z",
    "2026-11-22T09:30:00+1:00", "2026-11-22T09:30:00+0100", "2026-11-22T09:30:00+24:00",
    "2026-11-22T09:30:00+00:60", "2026-11-22T09:30:00.Z", "2026-11-22T09:30:00ZZ",
    "2026-13-22T09:30:00Z", "2026-11-31T09:30:00Z", "2026-02-29", "1969-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T09:60:00Z", "２026-11-22",
    "2026-11-22T09:30:00+0é:00", "2026-11-2", "99999999999999999999-01-01T00:00:00Z",
  ])
  func `is nothing else`(text: String) {
    #expect(ISO8601.parseAny(text) == nil)
    #expect(ISO8601.parse(text) == nil)
  }
}
