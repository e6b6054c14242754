// Names of backups against the specification (https://github.com/ulid/spec).

import Backup
import TestSupport
import Testing

@Suite struct `A ULID` {
  @Test func `is read as the specification's example`() throws {
    let ulid = try #require(ULID("01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    #expect(ulid.milliseconds == 1_469_922_850_259)
    #expect(ulid.description == "01ARZ3NDEKTSV4RRFFQ69G5FAV")
  }

  @Test(arguments: [
    (UInt64(0), UInt16(0), UInt64(0), "00000000000000000000000000"),
    (0, 0, 1, "00000000000000000000000001"),
    (0, 0, .max, "0000000000000FZZZZZZZZZZZZ"),
    (0, 1, 0, "0000000000000G000000000000"),
    (1, 0, 0, "00000000010000000000000000"),
    (1_469_922_850_259, 0, 0, "01ARZ3NDEK0000000000000000"),
    ((1 << 48) - 1, .max, .max, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
  ])
  func `writes 48 bits of time and 80 random ones in 26 characters`(
    milliseconds: UInt64, high: UInt16, low: UInt64, text: String
  ) {
    let ulid = ULID(milliseconds: milliseconds, randomHigh: high, randomLow: low)
    #expect(ulid.description == text)
    #expect(ULID(text) == ulid)
    #expect(ulid.milliseconds == milliseconds)
  }

  @Test func `comes back as it was written, whatever its bits`() {
    var random = SeededRandom(seed: 26)
    let lost = (0..<2000).filter { _ in
      let ulid = ULID(
        milliseconds: random.next() >> 16, randomHigh: UInt16(truncatingIfNeeded: random.next()),
        randomLow: random.next())
      return ULID(ulid.description) != ulid
    }
    #expect(lost.isEmpty)
  }

  @Test func `sorts by time first, as text and as a value`() {
    var random = SeededRandom(seed: 48)
    let ulids = (0..<500).map { _ in ULID(milliseconds: random.next() >> 20) }
    #expect(ulids.sorted().map(\.description) == ulids.map(\.description).sorted())
    #expect(ulids.sorted().map(\.milliseconds) == ulids.map(\.milliseconds).sorted())
  }

  @Test func `D3: of the hundredth run sorts after that of the ninety-ninth`() {
    let names = [9, 10, 99, 100, 101].map { ULID(milliseconds: $0, randomHigh: 7, randomLow: 7) }
    #expect(names == names.sorted())
  }

  @Test func `of the same millisecond is another one every time`() {
    #expect(Set((0..<1000).map { _ in ULID(milliseconds: 1_469_922_850_259) }).count == 1000)
  }

  @Test(arguments: [
    "", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVV",
    "01arz3ndektsv4rrffq69g5fav",  // not canonical
    "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",  // beyond 48 bits of time
    "01ARZ3NDEKTSV4RRFFQ69G5FAI", "01ARZ3NDEKTSV4RRFFQ69G5FAL", "01ARZ3NDEKTSV4RRFFQ69G5FAO",
    "01ARZ3NDEKTSV4RRFFQ69G5FAU",  // letters that base32 leaves out
    "01ARZ3NDEKTSV4RRFFQ69G5F/V", "01ARZ3NDEKTSV4RRFFQ69G5F V", "01ARZ3NDEKTSV4RRFFQ69G5Fé",
    "2026-11-22T09:30:00.00000Z", "etcd-backup-2026-11-22.db.",
  ])
  func `is nothing else`(text: String) {
    #expect(ULID(text) == nil)
  }
}
