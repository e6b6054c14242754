import Backup
import Testing

@Suite struct `A time as RFC 3339 writes it` {
  @Test(arguments: [
    "2026-11-22T09:30:00Z", "2026-11-22t09:30:00z", "2026-11-22T10:30:00+01:00",
    "2026-11-22T06:00:00-03:30", "2026-11-22T09:30:00.999Z", "2026-11-23T00:15:00.5+14:45",
  ])
  func `is read`(text: String) {
    #expect(Timestamp.parseRFC3339(text) == Timestamp.parse("2026-11-22T09:30:00Z"))
  }

  @Test(arguments: [
    "", "2026-11-22", "2026-11-22T09:30:00", "2026-11-22 09:30:00Z", "2026-11-22T09:30Z",
    "2026-11-22T09:30:00+1:00", "2026-11-22T09:30:00+0100", "2026-11-22T09:30:00+24:00",
    "2026-11-22T09:30:00.Z", "2026-11-22T09:30:00ZZ", "2026-13-22T09:30:00Z",
    "2026-11-22T09:30:00+0é:00",
  ])
  func `is refused otherwise`(text: String) {
    #expect(Timestamp.parseRFC3339(text) == nil)
  }
}
