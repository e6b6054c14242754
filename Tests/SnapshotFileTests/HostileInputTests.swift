import SnapshotFile
import SnapshotFileTestSupport
import Testing

/// S8: whatever arrives, the inspection ends with a report or an error, within its memory.
@Suite struct `S8: Hostile input` {
  /// What an inspection may hold of a file of so many bytes: 24 bytes a page and a megabyte, and a
  /// single node on top.
  private func limit(_ file: [UInt8]) -> Int { file.count / 4096 * 24 + (1 << 20) + (1 << 20) }

  /// Inspects, minding the memory; the error's description, or "" for a sound database.
  private func outcome(_ file: [UInt8]) -> String {
    do {
      var inspection = try DatabaseInspection(of: file)
      for start in stride(from: 0, to: file.count, by: 4096) {
        try inspection.update(Array(file[start..<min(file.count, start + 4096)]))
        #expect(inspection.heldByteCount <= limit(file))
      }
      _ = try inspection.finish()
      return ""
    } catch {
      return error.description
    }
  }

  static var sample: [UInt8] { SampleDatabase.file }

  @Test func `of which the untouched sample is none`() {
    #expect(outcome(Self.sample) == "")
  }

  @Test(arguments: 0..<8) func `made of random damage ends in time`(seed: Int) {
    var random = Random(seed: UInt64(seed))
    let interesting: [[UInt8]] = [
      [0], [1], [2], [0xFF], [0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0x80],
      [UInt8](repeating: 0xFF, count: 8), [UInt8](repeating: 0, count: 16),
    ]
    for _ in 0..<150 {
      var file = Self.sample
      for _ in 0..<random.next(below: 6) + 1 {
        // Mostly where structure is: near the beginning of a page.
        let page = random.next(below: file.count / 4096)
        let offset = page * 4096 + random.next(below: random.next(below: 4) == 0 ? 4080 : 160)
        let bytes = interesting[random.next(below: interesting.count)]
        file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
      }
      Self.repairMetas(&file)
      _ = outcome(file)
    }
  }

  @Test
  func `made of pages dropped, doubled, swapped, zeroed or stale is unsound where it matters`() {
    // 2 and 15 are free, 7...12 lie inside the values of 6.
    let used = [3, 4, 5, 6, 13, 14, 16, 17, 18, 19, 20]
    #expect(Self.sample.count == 21 * 4096)
    for page in used {
      var zeroed = Self.sample
      zeroed.replaceSubrange(
        page * 4096..<(page + 1) * 4096, with: [UInt8](repeating: 0, count: 4096))
      #expect(outcome(zeroed).hasPrefix("the database is unsound: page \(page) "))

      var swapped = Self.sample
      let other = page == 20 ? 3 : 20
      swapped.replaceSubrange(page * 4096..<(page + 1) * 4096, with: Self.page(other))
      swapped.replaceSubrange(other * 4096..<(other + 1) * 4096, with: Self.page(page))
      #expect(outcome(swapped).hasPrefix("the database is unsound"))

      var dropped = Self.sample
      dropped.removeSubrange(page * 4096..<(page + 1) * 4096)
      #expect(outcome(dropped) != "")

      guard page != 20 else { continue }  // doubling the last and losing one changes nothing
      var doubled = Self.sample
      doubled.insert(contentsOf: Self.page(page), at: page * 4096)
      doubled.removeLast(4096)
      #expect(outcome(doubled) != "")
    }
    // A stale version of the first leaf, as if a write had been lost: it has an older first key.
    var stale = Self.sample
    var older = DatabaseBuilder()
    older.raw([0])
    older.leaf([Etcd.put("key-0", 1)])
    stale.replaceSubrange(3 * 4096..<4 * 4096, with: older.bytes[(3 * 4096)...])
    #expect(outcome(stale).hasPrefix("the database is unsound"))
  }

  @Test func `made of long nodes one in the other stays within its memory`() {
    let pageCount = 3000
    var builder = DatabaseBuilder()
    // Each page claims to be the first of a leaf that goes on to the end, its keys all at the end.
    for page in 2..<pageCount {
      let overflow = pageCount - page - 1
      let count = 200
      let valueSize = max(0, (overflow + 1) * 4096 - 16 - count * 17 - 1)
      var bytes = DatabaseBuilder.little(page, 8) + [2, 0] + DatabaseBuilder.little(count, 2)
      bytes += DatabaseBuilder.little(overflow, 4)
      for element in 0..<count {
        let position = (count - element) * 16 + element + (element == 0 ? 0 : valueSize)
        bytes += DatabaseBuilder.little(0, 4) + DatabaseBuilder.little(position, 4)
        bytes += DatabaseBuilder.little(1, 4)
        bytes += DatabaseBuilder.little(element == 0 ? valueSize : 0, 4)
      }
      builder.raw(bytes)
    }
    #expect(outcome(builder.snapshot(root: 2)).hasPrefix("the database cannot be judged"))
  }

  @Test func `made of nodes that all have a key on one page stays within its memory`() throws {
    let pageCount = 1502
    let last = pageCount - 2
    var builder = DatabaseBuilder()
    for page in 2..<last {
      // A leaf of two records: the first reaches up to the last page but one, the key of the second
      // fills that and goes on.
      let overflow = last - page
      let first = overflow * 4096 - 48
      var bytes = DatabaseBuilder.little(page, 8) + [2, 0, 2, 0]
      bytes += DatabaseBuilder.little(overflow + 1, 4)
      bytes += DatabaseBuilder.little(0, 4) + DatabaseBuilder.little(32, 4)
      bytes += DatabaseBuilder.little(17, 4) + DatabaseBuilder.little(first - 17, 4)
      bytes += DatabaseBuilder.little(0, 4) + DatabaseBuilder.little(16 + first, 4)
      bytes += DatabaseBuilder.little(5000, 4) + DatabaseBuilder.little(0, 4)
      builder.raw(bytes)
    }
    builder.raw([0])
    builder.raw([0])
    let file = builder.snapshot(root: 2)
    var inspection = try DatabaseInspection(of: file)
    #expect {
      for start in stride(from: 0, to: file.count, by: 4096) {
        try inspection.update(Array(file[start..<start + 4096]))
      }
    } throws: {
      "\($0)".hasPrefix("the database cannot be judged: up to page \(last), ")
    }
    // Without one more page than the limit was reached with.
    #expect(inspection.heldByteCount <= limit(file) - (1 << 20) + (1 << 13))
  }

  @Test func `made of buckets nested deeply, with long names, is told in a short error`() {
    var builder = DatabaseBuilder()
    var inner = builder.raw([0])  // no node
    for level in 0..<300 {
      let names = ["a", "b"].map { [UInt8](repeating: UInt8(ascii: $0), count: 1900) }
      let other = builder.leaf([(Array("record".utf8), [1])])
      inner = builder.leaf(
        [
          (names[0], DatabaseBuilder.nested(root: level == 0 ? other : inner)),
          (names[1], DatabaseBuilder.nested(root: level == 0 ? inner : other)),
        ], isBucket: { _ in true })
    }
    let root = builder.bucketLeaf(
      Etcd.buckets(key: DatabaseBuilder.inline([])) + [
        ("nest", DatabaseBuilder.nested(root: inner))
      ])
    let text = outcome(builder.snapshot(root: root))
    #expect(text.hasPrefix("the database is unsound: page 2 (bucket nest/\u{2026}/aaaa"))
    #expect(text.hasSuffix("bbb\u{2026}) has a header that is of another page"))
    #expect(text.utf8.count < 400)
  }

  @Test func `made of a bucket with a name of any length is told in a short error`() {
    var builder = DatabaseBuilder()
    let broken = builder.raw([0])
    let name = String(repeating: "n", count: 3500)
    let root = builder.bucketLeaf(
      Etcd.buckets(key: DatabaseBuilder.inline([])) + [(name, DatabaseBuilder.nested(root: broken))]
    )
    #expect(outcome(builder.snapshot(root: root)).utf8.count < 400)
  }

  @Test func `made of branches that contradict each other stays within its memory`() {
    let pageCount = 6000
    var builder = DatabaseBuilder()
    var random = Random(seed: 1)
    for page in 2..<pageCount {
      builder.branch(
        (0..<120).map { (Etcd.key($0 + page), UInt64(random.next(below: pageCount - 2) + 2)) })
    }
    #expect(outcome(builder.snapshot(root: 2)).hasPrefix("the database cannot be judged"))
  }

  @Test func `made of ever new names stays within its memory`() {
    var builder = DatabaseBuilder()
    for page in 0..<20_000 {
      builder.leaf([(Array("name \(page)".utf8), []), (Array("name \(page)z".utf8), [])])
    }
    #expect(outcome(builder.snapshot(root: 2)).hasPrefix("the database cannot be judged"))
  }

  @Test func `made of inline buckets in inline buckets is unsound`() {
    var value = DatabaseBuilder.inline([])
    while value.count < 4000 {
      var outer = DatabaseBuilder.inline([(Array("b".utf8), value)])
      outer[32] = 1  // the record is a bucket
      value = outer
    }
    var builder = DatabaseBuilder()
    let root = builder.bucketLeaf([("key", value)])
    #expect(outcome(builder.snapshot(root: root)).contains("broken inline bucket"))
  }

  @Test(arguments: [UInt64(1) << 26 + 1, .max, 1 << 52])
  func `that claims a huge size is refused at once`(pages: UInt64) {
    var file = Self.sample
    let highWater = DatabaseBuilder.little(Int(truncatingIfNeeded: pages), 8)
    file.replaceSubrange(16 + 40..<16 + 48, with: highWater)
    Self.repairMetas(&file)
    #expect(outcome(file).contains("more than can be checked"))
  }

  // MARK: Helpers

  private static func page(_ number: Int) -> [UInt8] {
    Array(sample[number * 4096..<(number + 1) * 4096])
  }

  /// Makes the checksums of both metas right again, as a forger would.
  private static func repairMetas(_ file: inout [UInt8]) {
    for page in 0...1 {
      let meta = page * 4096 + 16
      let checksum = DatabaseBuilder.checksum(Array(file[meta..<meta + 56]))
      file.replaceSubrange(meta + 56..<meta + 64, with: checksum)
    }
  }
}

/// Numbers that are the same in every run (SplitMix64).
struct Random {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next(below bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return Int((mixed ^ mixed >> 31) % UInt64(bound))
  }
}
