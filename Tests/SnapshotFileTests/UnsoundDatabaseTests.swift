import SnapshotFile
import SnapshotFileTestSupport
import Testing

@Suite struct `An unsound database` {
  private typealias Leaf = [DatabaseBuilder.Record]

  /// What is wrong with the file, as `kind page bucket`; empty if nothing is.
  private func verdict(_ file: [UInt8]) -> String {
    do {
      _ = try inspect(file)
      return ""
    } catch .unsound(let page, let bucket, let defect) {
      return "\(defect.kind) \(page) \(bucket ?? "-")"
    } catch {
      return "\(error)"
    }
  }

  /// A file whose bucket `key` has the tree that `make` builds.
  private func file(_ make: (inout DatabaseBuilder) -> UInt64) -> [UInt8] {
    var builder = DatabaseBuilder()
    let key = make(&builder)
    let root = builder.bucketLeaf(Etcd.buckets(key: DatabaseBuilder.nested(root: key)))
    return builder.snapshot(root: root)
  }

  @Test func `is known by a key that does not sort after the one before`() {
    let file = file { $0.leaf([Etcd.put("a", 3), Etcd.put("b", 3)]) }
    #expect(verdict(file) == "keysNotAscending 2 key")
  }

  @Test func `is known by keys that do not sort across pages`() {
    let file = file {
      let left = $0.leaf([Etcd.put("a", 2), Etcd.put("b", 6)])
      let right = $0.leaf([Etcd.put("a", 5), Etcd.put("b", 9)])
      return $0.branch([(Etcd.key(2), left), (Etcd.key(5), right)])
    }
    #expect(verdict(file) == "keysOverlap 2 key")
  }

  @Test(arguments: [100, 1 << 19, 1 << 20, 1 << 21 - 2, 1 << 21, 1 << 40])
  func `is known by changes of one transaction that do not sort across pages`(sub: Int) {
    let file = file {
      let left = $0.leaf([Etcd.tombstone("a", 2, 3), Etcd.tombstone("b", 2, sub + 1)])
      let right = $0.leaf([Etcd.tombstone("c", 2, sub), Etcd.tombstone("d", 2, sub + 9)])
      return $0.branch([
        (Etcd.key(2, 3, isTombstone: true), left), (Etcd.key(2, sub, isTombstone: true), right),
      ])
    }
    #expect(verdict(file) == "keysOverlap 2 key")
  }

  @Test(arguments: [true, false])
  func `is known by a branch that disagrees with its child's first key`(childComesFirst: Bool) {
    let file = file {
      let other = $0.leaf([Etcd.put("a", 2)])
      let child: (inout DatabaseBuilder) -> UInt64 = { $0.leaf([Etcd.put("a", 5)]) }
      guard !childComesFirst else {
        let page = child(&$0)
        return $0.branch([(Etcd.key(2), other), (Etcd.key(4), page)])
      }
      let next = $0.pageCount + 1
      let branch = $0.branch([(Etcd.key(2), other), (Etcd.key(4), next)])
      _ = child(&$0)
      return branch
    }
    #expect(
      verdict(file) == (childComesFirst ? "childDisagrees 4 key" : "keysDisagree 3 key"))
  }

  @Test func `is known by a page used twice`() {
    let file = file {
      let leaf = $0.leaf([Etcd.put("a", 2)])
      return $0.branch([(Etcd.key(2), leaf), (Etcd.key(3), leaf)])
    }
    #expect(verdict(file).hasPrefix("childDisagrees 3"))

    var builder = DatabaseBuilder()
    let leaf = builder.leaf([Etcd.put("a", 2)])
    let nested = DatabaseBuilder.nested(root: leaf)
    let root = builder.bucketLeaf(Etcd.buckets(key: nested) + [("other", nested)])
    #expect(verdict(builder.snapshot(root: root)) == "usedTwice 2 other")
  }

  @Test func `is known by a page inside another's value`() {
    var builder = DatabaseBuilder()
    let big = builder.leaf([Etcd.put("a", 2, value: [UInt8](repeating: 0, count: 9000))])
    let root = builder.bucketLeaf(Etcd.buckets(key: DatabaseBuilder.nested(root: big)))
    var file = builder.snapshot(root: root)
    // Page 3 becomes a leaf of its own, which the root names as another bucket.
    let leaf = DatabaseBuilder.little(3, 8) + [2, 0, 0, 0, 0, 0, 0, 0]
    file.replaceSubrange(3 * 4096..<3 * 4096 + 16, with: leaf)
    let names =
      Etcd.buckets(key: DatabaseBuilder.nested(root: 2)) + [
        ("other", DatabaseBuilder.nested(root: 3))
      ]
    var second = DatabaseBuilder()
    while second.pageCount < root { second.raw([0]) }
    second.bucketLeaf(names)
    file.replaceSubrange(
      Int(root) * 4096..<file.count, with: second.bytes[(Int(root) * 4096)...])
    #expect(verdict(file) == "usedTwice 3 other")
  }

  @Test func `is known by a cycle`() {
    let file = file {
      let leaf = $0.leaf([Etcd.put("a", 2)])
      let above = $0.pageCount + 1
      let branch = $0.branch([(Etcd.key(1), above), (Etcd.key(2), leaf)])
      return $0.branch([(Etcd.key(1), branch)])
    }
    #expect(!verdict(file).isEmpty)
  }

  @Test func `is known by a child outside the database`() {
    let file = file { $0.branch([(Etcd.key(2), 900)]) }
    #expect(verdict(file) == "child 2 key")
  }

  @Test(arguments: [1, 900, UInt64.max])
  func `is known by a bucket outside the database`(root: UInt64) {
    var builder = DatabaseBuilder()
    let page = builder.bucketLeaf([
      ("key", DatabaseBuilder.inline([Etcd.put("a", 2)])),
      ("meta", DatabaseBuilder.inline([])), ("other", DatabaseBuilder.nested(root: root)),
    ])
    #expect {
      try inspect(builder.snapshot(root: page))
    } throws: {
      "\($0)".hasSuffix("page \(page) has a bucket in element 2 whose root is outside the database")
    }
  }

  @Test func `is known by a record in bucket key that is no revision`() {
    let file = file { $0.leaf([Etcd.put("a", 2), (Array("x".utf8), [1])]) }
    #expect(verdict(file) == "record 2 key")
  }

  @Test func `is known by a revision that its value contradicts`() {
    let file = file { $0.leaf([Etcd.put("a", 2), (Etcd.key(4), Etcd.put("b", 3).value)]) }
    #expect(verdict(file) == "record 2 key")
  }

  @Test func `is known by an empty leaf below a branch`() {
    let file = file {
      let full = $0.leaf([Etcd.put("a", 2)])
      return $0.branch([(Etcd.key(2), full), (Etcd.key(3), $0.pageCount + 1)])
    }
    var empty = file
    let page = 4 * 4096
    empty.replaceSubrange(
      page..<page + 16, with: DatabaseBuilder.little(4, 8) + [2] + [UInt8](repeating: 0, count: 7))
    #expect(!verdict(empty).isEmpty)
  }

  @Test func `is known by leaves and branches side by side`() {
    let file = file {
      let left = $0.leaf([Etcd.put("a", 2)])
      let right = $0.leaf([Etcd.put("a", 5)])
      let deeper = $0.branch([(Etcd.key(5), right)])
      return $0.branch([(Etcd.key(2), left), (Etcd.key(5), deeper)])
    }
    #expect(verdict(file) == "unevenChildren 5 key")
  }

  @Test func `is known by a tree deeper than bbolt builds`() {
    let file = file {
      var page = $0.leaf([Etcd.put("a", 2)])
      for _ in 0..<70 { page = $0.branch([(Etcd.key(2), page)]) }
      return page
    }
    #expect(verdict(file).hasPrefix("tooDeep"))
  }

  @Test(arguments: [
    ([10, 12], "neitherFreeNorUsed 11 -"), ([3, 10, 11, 12], "freeButUsed 3 -"),
    ([10, 12, 11], "freelist 13 -"), ([10, 11, 12, 900], "freelist 13 -"),
    ([1, 10, 11, 12], "freelist 13 -"),
  ])
  func `is known by a list of free pages that lies`(free: [UInt64], expected: String) {
    var builder = DatabaseBuilder()
    let leaves = (0..<6).map { leaf in
      (Etcd.key(2 + leaf), builder.leaf([Etcd.put("a", 2 + leaf)]))
    }
    let key = builder.branch(leaves.map { (key: $0.0, page: $0.1) })
    let root = builder.bucketLeaf(Etcd.buckets(key: DatabaseBuilder.nested(root: key)))
    for _ in 10...12 { builder.raw([0]) }
    builder.freelistPage(free)
    #expect(verdict(builder.snapshot(root: root)) == expected)
  }

  @Test func `may be a sound database of something else`() {
    var builder = DatabaseBuilder()
    let root = builder.bucketLeaf([("stuff", DatabaseBuilder.inline([([1], [2])]))])
    #expect(throws: BoltError.notEtcd(missingBucket: "key")) {
      try inspect(builder.snapshot(root: root))
    }
  }

  @Test func `may be another file altogether`() {
    #expect(throws: BoltError.meta(page: 0, .notBolt)) {
      try inspect([UInt8](repeating: 0x1F, count: 20_000))
    }
  }

  @Test func `is known by metas that are not of one snapshot`() {
    let (builder, root) = `A sound database`.tree()
    var file = builder.snapshot(root: root)
    file.replaceSubrange(4096..<8192, with: builder.snapshot(root: root, txid: 7)[4096..<8192])
    #expect(throws: BoltError.metasDisagree(newest: 9, other: 6)) { try inspect(file) }
  }

  @Test func `S1, S2: is incomplete at every length but the whole`() throws {
    let (builder, root) = `A sound database`.tree()
    let file = builder.snapshot(root: root)
    for length in stride(from: 0, to: file.count, by: 509) {
      #expect(throws: BoltError.self) { try inspect(Array(file[0..<length])) }
    }
    #expect(throws: BoltError.surplus(expected: UInt64(file.count))) {
      try inspect(file + [UInt8](repeating: 0, count: 4096))
    }
    #expect(throws: BoltError.self) { try inspect(file + [0]) }
  }

  @Test func `says the page, the bucket and what to do`() {
    let file = file { $0.leaf([Etcd.put("a", 3), Etcd.put("b", 3)]) }
    #expect {
      try inspect(file)
    } throws: { error in
      guard let error = error as? BoltError else { return false }
      return error.description
        == "the database is unsound: page 2 (bucket key) has a key in element 1 that does not sort "
        + "after the one before" && error.hint?.contains("another member") == true
    }
  }

  @Test func `that was cut asks whether it was copied whole`() {
    let (builder, root) = `A sound database`.tree()
    let file = builder.snapshot(root: root)
    for cut in [Array(file.dropLast(4096)), file + [UInt8](repeating: 0, count: 4096)] {
      #expect {
        try inspect(cut)
      } throws: {
        ($0 as? BoltError)?.hint?.contains("copied whole") == true
      }
    }
  }
}
