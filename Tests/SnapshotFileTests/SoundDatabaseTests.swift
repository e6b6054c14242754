import SnapshotFile
import SnapshotFileTestSupport
import Testing

@Suite struct `A sound database` {
  /// A tree of three levels in bucket `key`: `leaves` leaves of four revisions each.
  static func tree(
    leaves: Int = 9, pageSize: Int = 4096, value: [UInt8] = [1]
  ) -> (builder: DatabaseBuilder, root: UInt64) {
    var builder = DatabaseBuilder(pageSize: pageSize)
    var level: [(key: [UInt8], page: UInt64)] = []
    for leaf in 0..<leaves {
      let revisions = (0..<4).map { 2 + leaf * 4 + $0 }
      let page = builder.leaf(revisions.map { Etcd.put("k\($0)", $0, value: value) })
      level.append((Etcd.key(revisions[0]), page))
    }
    while level.count > 1 {
      var above: [(key: [UInt8], page: UInt64)] = []
      for start in stride(from: 0, to: level.count, by: 3) {
        let children = Array(level[start..<min(level.count, start + 3)])
        above.append((children[0].key, builder.branch(children)))
      }
      level = above
    }
    let buckets = Etcd.buckets(key: DatabaseBuilder.nested(root: level[0].page))
    let root = builder.bucketLeaf(buckets)
    return (builder, root)
  }

  @Test(arguments: [4096, 8192, 16384, 65536])
  func `is read in pages of any size`(pageSize: Int) throws {
    let (builder, root) = Self.tree(pageSize: pageSize)
    let report = try inspect(builder.snapshot(root: root))
    #expect(report.pageSize == pageSize)
    #expect(report.pageCount == Int(builder.pageCount))
    #expect(report.pagesInUse == report.pageCount)
    #expect(report.keyRecords == 36)
    #expect(report.totalRecords == 37)
    #expect(report.lastRevision == 37)
    #expect(report.consistentIndex == 12)
    #expect(report.txid == 9)
  }

  @Test(arguments: [1, 79, 80, 81, 4095, 4096, 4097, 32768])
  func `may arrive in chunks of any size`(chunk: Int) throws {
    let (builder, root) = Self.tree()
    let file = builder.snapshot(root: root)
    #expect(try inspect(file, chunk: chunk) == inspect(file, chunk: file.count))
  }

  @Test(arguments: [1000, 5000, 40_000, 1_500_000])
  func `may have values that span many pages, between which the keys lie`(size: Int) throws {
    let (builder, root) = Self.tree(value: [UInt8](repeating: 0xAB, count: size))
    let report = try inspect(builder.snapshot(root: root), chunk: 32768)
    #expect(report.keyRecords == 36)
    #expect(report.pagesInUse == report.pageCount)
  }

  @Test func `may have nodes inside its values that look like its own pages`() throws {
    var builder = DatabaseBuilder()
    // A value that begins where page 3 does, with a header of page 3: a leaf that claims the rest.
    let head = Etcd.put("k", 2, value: [UInt8](repeating: 0, count: 8000)).value
    let prefix = 4096 - 16 - 16 - 17 - (head.count - 8000)
    var value = [UInt8](repeating: 0, count: 8000)
    let fake = DatabaseBuilder.little(3, 8) + DatabaseBuilder.little(2, 2) + [1, 0, 0, 0, 0, 0]
    value.replaceSubrange(prefix..<prefix + fake.count, with: fake)
    let leaf = builder.leaf([Etcd.put("k", 2, value: value)])
    let root = builder.bucketLeaf(Etcd.buckets(key: DatabaseBuilder.nested(root: leaf)))
    #expect(try inspect(builder.snapshot(root: root)).keyRecords == 1)
  }

  @Test func `may have free pages full of stale nodes`() throws {
    var (builder, _) = Self.tree()
    let leaf = builder.leaf([Etcd.put("a", 50), Etcd.tombstone("a", 51)])
    let root = builder.bucketLeaf(Etcd.buckets(key: DatabaseBuilder.nested(root: leaf)))
    let report = try inspect(builder.snapshot(root: root))
    #expect(report.pagesInUse == 4)
    #expect(report.keyRecords == 2)
  }

  @Test func `may have thousands of stale versions of its branches`() throws {
    var builder = DatabaseBuilder()
    var random = Random(seed: 7)
    func leaf(_ revision: Int) -> (key: [UInt8], page: UInt64) {
      (Etcd.key(revision), builder.leaf([Etcd.put("k", revision)]))
    }
    var leaves = (1...90).map { leaf($0 * 1000) }
    var key: UInt64 = 0
    for commit in 1...2000 {
      let index = random.next(below: leaves.count - 1)
      let revision = leaves[index].key[..<8].reduce(0) { $0 << 8 | Int($1) }
      switch commit % 10 {
      case 0 where leaves.count < 110:  // a leaf was split
        let next = leaves[index + 1].key[..<8].reduce(0) { $0 << 8 | Int($1) }
        if next > revision + 1 { leaves.insert(leaf((revision + next) / 2), at: index + 1) }
      case 5 where leaves.count > 60:  // a leaf was compacted away
        leaves.remove(at: index)
      default:
        leaves[index] = leaf(revision)
      }
      // Now and then a commit writes many leaves.
      if commit % 50 == 0 {
        for index in stride(from: 0, to: leaves.count, by: 3) {
          leaves[index] = leaf(leaves[index].key[..<8].reduce(0) { $0 << 8 | Int($1) })
        }
      }
      let left = builder.branch(Array(leaves[..<50]))
      let right = builder.branch(Array(leaves[50...]))
      key = builder.branch([(leaves[0].key, left), (leaves[50].key, right)])
    }
    let root = builder.bucketLeaf(Etcd.buckets(key: DatabaseBuilder.nested(root: key)))
    let file = builder.snapshot(root: root)
    var inspection = try DatabaseInspection(of: file)
    try inspection.update(file)
    // What a page costs, without the megabyte on top that a small file may use.
    #expect(inspection.heldByteCount <= file.count / 4096 * 24)
    #expect(try inspection.finish().keyRecords == leaves.count)
  }

  @Test func `may be of a newer etcd, with a storage version and a bumped revision`() throws {
    var builder = DatabaseBuilder()
    let meta: [DatabaseBuilder.Record] = [
      (Array("consistent_index".utf8), Etcd.big(40)),
      (Array("scheduledCompactRev".utf8), Etcd.key(1_000_000_006)),
      (Array("storageVersion".utf8), Array("3.6.0".utf8)),
      (Array("term".utf8), Etcd.big(3)),
    ]
    // A restore that bumps the revision leaves a record without a value.
    let key = DatabaseBuilder.inline([Etcd.put("a", 6), (Etcd.key(1_000_000_006), [])])
    let root = builder.bucketLeaf(Etcd.buckets(key: key, meta: meta))
    let report = try inspect(builder.snapshot(root: root))
    #expect(report.storageVersion == "3.6.0")
    #expect(report.term == 3)
    #expect(report.revision == 1_000_000_006)
  }

  @Test func `may have an empty bucket, with a page or inline`() throws {
    var builder = DatabaseBuilder()
    let leaf = builder.leaf([])
    var buckets = Etcd.buckets(key: DatabaseBuilder.nested(root: leaf))
    buckets.insert(("alarm", DatabaseBuilder.inline([])), at: 0)
    let root = builder.bucketLeaf(buckets)
    let report = try inspect(builder.snapshot(root: root))
    #expect(report.buckets.map(\.records) == [0, 0, 1])
    #expect(report.revision == 0)
  }

  @Test func `may have buckets in buckets`() throws {
    var builder = DatabaseBuilder()
    let deepest = builder.leaf([(Array("a".utf8), [1]), (Array("b".utf8), [2])])
    let middle = builder.leaf(
      [
        (Array("deeper".utf8), DatabaseBuilder.nested(root: deepest)),
        (Array("inline".utf8), DatabaseBuilder.inline([(Array("x".utf8), [3])])),
        (Array("plain".utf8), [4]),
      ], isBucket: { $0 < 2 })
    let key = DatabaseBuilder.inline([Etcd.put("k", 7)])
    let root = builder.bucketLeaf(
      Etcd.buckets(key: key) + [("nest", DatabaseBuilder.nested(root: middle))])
    let report = try inspect(builder.snapshot(root: root))
    #expect(report.buckets.map(\.name) == ["key", "meta", "nest"])
    #expect(report.buckets.map(\.records) == [1, 1, 3])
    #expect(report.lastRevision == 7)
    #expect(report.pagesInUse == report.pageCount)
  }

  @Test func `may have so many buckets that their tree has branches`() throws {
    var builder = DatabaseBuilder()
    let big = [UInt8](repeating: 7, count: 900)
    var names = (0..<12).map { "role-\($0 + 10)" }.map {
      ($0, DatabaseBuilder.inline([($0.utf8 + [], big)]))
    }
    names += Etcd.buckets(
      key: DatabaseBuilder.inline([Etcd.put("k", 3)]),
      meta: [(Array("consistent_index".utf8), Etcd.big(99)), (Array("term".utf8), Etcd.big(4))])
    names.sort { $0.0 < $1.0 }
    let first = builder.bucketLeaf(Array(names[0..<3]))
    let second = builder.bucketLeaf(Array(names[3...]))
    let root = builder.branch([
      (Array(names[0].0.utf8), first), (Array(names[3].0.utf8), second),
    ])
    let report = try inspect(builder.snapshot(root: root))
    #expect(report.buckets.map(\.name) == names.map(\.0))
    #expect(report.consistentIndex == 99)
    #expect(report.term == 4)
    #expect(report.lastRevision == 3)
  }

  @Test func `may have revisions too large to be packed`() throws {
    var builder = DatabaseBuilder()
    let huge = 1 << 50
    let leaf = builder.leaf([Etcd.put("a", huge), Etcd.put("b", huge, 1 << 30)])
    let other = builder.leaf([Etcd.put("c", huge + 1), Etcd.put("d", huge + 9_000_000_000, 700)])
    let key = builder.branch([(Etcd.key(huge), leaf), (Etcd.key(huge + 1), other)])
    let root = builder.bucketLeaf(Etcd.buckets(key: DatabaseBuilder.nested(root: key)))
    let report = try inspect(builder.snapshot(root: root))
    #expect(report.lastRevision == UInt64(huge) + 9_000_000_000)
  }

  @Test func `may have the tombstones of one deletion of two million keys`() throws {
    var builder = DatabaseBuilder()
    let subs = stride(from: 1 << 19 - 300, to: 1 << 21, by: 105).map { $0 }
    func tombstones(_ subs: some Sequence<Int>) -> [DatabaseBuilder.Record] {
      subs.map { Etcd.tombstone("k\($0)", 9, $0) }
    }
    var leaves: [(key: [UInt8], page: UInt64)] = []
    for start in stride(from: 0, to: subs.count, by: 3) {
      let records = tombstones(subs[start..<min(start + 3, subs.count)])
      leaves.append((records[0].key, builder.leaf(records)))
    }
    var level = leaves
    while level.count > 1 {
      level = stride(from: 0, to: level.count, by: 100).map { start in
        let children = Array(level[start..<min(start + 100, level.count)])
        return (children[0].key, builder.branch(children))
      }
    }
    let root = builder.bucketLeaf(Etcd.buckets(key: DatabaseBuilder.nested(root: level[0].page)))
    let file = builder.snapshot(root: root)
    var inspection = try DatabaseInspection(of: file)
    try inspection.update(file)
    #expect(inspection.heldByteCount <= file.count / 4096 * 24)
    let report = try inspection.finish()
    #expect(report.keyRecords == subs.count)
    #expect(report.lastRevision == 9)
  }

  @Test(arguments: [(5, 6, 6), (9, 6, 9)])
  func `has the revision of its compaction where that dropped the newest record`(
    compacted: Int, last: Int, revision: UInt64
  ) throws {
    var builder = DatabaseBuilder()
    let meta: [DatabaseBuilder.Record] = [
      (Array("consistent_index".utf8), Etcd.big(40)),
      (Array("finishedCompactRev".utf8), Etcd.key(compacted)),
      (Array("scheduledCompactRev".utf8), Etcd.key(compacted)),
    ]
    let root = builder.bucketLeaf(
      Etcd.buckets(key: DatabaseBuilder.inline([Etcd.put("a", last)]), meta: meta))
    let report = try inspect(builder.snapshot(root: root))
    #expect(report.lastRevision == UInt64(last))
    #expect(report.revision == revision)
  }

  @Test func `may store its list of free pages`() throws {
    var (builder, root) = Self.tree()
    let free = [builder.raw([1]), builder.raw([2])]
    builder.freelistPage(free)
    let report = try inspect(builder.snapshot(root: root))
    #expect(report.storesFreelist)
    #expect(report.pagesInUse == report.pageCount - 2)
  }

  @Test func `tells its size in its first 80 bytes`() throws {
    let (builder, root) = Self.tree()
    let file = builder.snapshot(root: root)
    let meta = try MetaPage(page: 0, Array(file[0..<80]))
    #expect(meta.databaseSize == UInt64(file.count))
  }
}
