// Durations as Go's own documentation and tests (`time.ParseDuration`) understand them.

import Backup
import Testing

@Suite struct `A Go duration` {
  @Test(arguments: [
    ("0", Duration.zero), ("-0", .zero), ("+0", .zero), ("0s", .zero),
    ("5s", .seconds(5)), ("30s", .seconds(30)), ("1478s", .seconds(1478)),
    ("-5s", .seconds(-5)), ("+5s", .seconds(5)),
    ("72h", .seconds(259_200)), ("1h30m", .seconds(5400)), ("90s", .seconds(90)),
  ])
  func `is a number with a unit, and a sign where one is wanted`(text: String, value: Duration) {
    #expect(GoDuration.parse(text) == value)
  }

  @Test(arguments: [
    ("5.0s", 5_000), ("5.6s", 5_600), ("5.s", 5_000), (".5s", 500), ("1.00s", 1_000),
    ("1.004s", 1_004), ("1.0040s", 1_004), ("100.00100s", 100_001), ("0.1m", 6_000),
    ("-.5s", -500),
  ])
  func `may have a fraction, with digits on one side of the point`(text: String, milliseconds: Int)
  {
    #expect(GoDuration.parse(text) == .milliseconds(milliseconds))
  }

  @Test(arguments: [
    ("10ns", Int64(10)), ("11us", 11_000), ("12\u{B5}s", 12_000), ("12\u{3BC}s", 12_000),
    ("13ms", 13_000_000), ("14s", 14_000_000_000), ("15m", 900_000_000_000),
    ("16h", 57_600_000_000_000),
  ])
  func `knows every unit, the micro sign in both of its forms`(text: String, nanoseconds: Int64) {
    #expect(GoDuration.parse(text) == .nanoseconds(nanoseconds))
  }

  @Test(arguments: [
    ("3h30m", Int64(12_600_000_000_000)), ("10.5s4m", 250_500_000_000),
    ("-2m3.4s", -123_400_000_000), ("1h2m3s4ms5us6ns", 3_723_004_005_006),
    ("39h9m14.425s", 140_954_425_000_000), ("1s1s", 2_000_000_000),
  ])
  func `is a sum of parts in any order`(text: String, nanoseconds: Int64) {
    #expect(GoDuration.parse(text) == .nanoseconds(nanoseconds))
  }

  @Test(arguments: [
    // 2^53 + 1, which a Double cannot hold.
    ("9007199254740993ns", Int64(9_007_199_254_740_993)),
    ("0.3333333333333333333h", 1_200_000_000_000),
    ("0.100000000000000000000h", 360_000_000_000),
    ("0.830103483285477580700h", 2_988_372_539_827),
    ("0.9223372036854775807s", 922_337_203),
    ("0.0000000000000000000000000001h", 0), ("1.999ns", 1),
  ])
  func `is exact to the nanosecond, and cuts off what is less`(text: String, nanoseconds: Int64) {
    #expect(GoDuration.parse(text) == .nanoseconds(nanoseconds))
  }

  @Test(arguments: [
    ("9223372036854775807ns", Int64.max), ("9223372036854775.807us", .max),
    ("9223372036s854ms775us807ns", .max), ("2562047h47m16.854775807s", .max),
    ("-9223372036854775808ns", .min), ("-9223372036854775.808us", .min),
    ("-9223372036s854ms775us808ns", .min), ("-2562047h47m16.854775808s", .min),
  ])
  func `reaches as far as 64 bits of nanoseconds`(text: String, nanoseconds: Int64) {
    #expect(GoDuration.parse(text) == .nanoseconds(nanoseconds))
  }

  @Test(arguments: [
    "9223372036854775808ns", "9223372036854775810ns", "-9223372036854775809ns",
    "9223372036854776us", "3000000h", "9223372036854775.808us", "9223372036854ms775us808ns",
    "18446744073709551616ns", "99999999999999999999999h", "9223372036s9223372036s",
    "-9223372036s9223372036s",
  ])
  func `is refused beyond 64 bits of nanoseconds`(text: String) {
    #expect(GoDuration.parse(text) == nil)
  }

  @Test(arguments: [
    "", "3", "-", "+", "s", ".", "-.", ".s", "+.s", "1d", "1w", "00", "1", "1h 30m", " 5s", "5s ",
    "5S", "5H", "5 s", "--5s", "+-5s", "5s-3s", "1.2.3s", "1,5s", "1e3s", "0x5s", "5ss", "hello",
    "\u{FFFD}", "5\u{FFFD}", "5s\u{301}", "٣s", "５s", "30minutes", "PT30M", "5s\0",
  ])
  func `is refused where Go refuses it`(text: String) {
    #expect(GoDuration.parse(text) == nil)
  }
}
