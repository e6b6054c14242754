import SnapshotFile
import SnapshotFileTestSupport
import Testing

/// What the report tells is kept within bounds, and never wrong for that.
@Suite struct `Findings` {
  private static let member: DatabaseBuilder.Record = (
    Array("8e9e05c52164694d".utf8), Array(#"{"id":10276657743932975437,"name":"m0"}"#.utf8)
  )

  /// What the inspection says in one word, or the members' names.
  private func outcome(_ builder: DatabaseBuilder, root: UInt64) -> [String] {
    do {
      return try inspect(builder.snapshot(root: root)).members.map(\.name)
    } catch .memoryLimitExceeded {
      return ["undecided"]
    } catch {
      return ["\(error)"]
    }
  }

  private func outcome(_ builder: inout DatabaseBuilder, members: UInt64) -> [String] {
    let root = builder.bucketLeaf([
      ("key", DatabaseBuilder.inline([Etcd.put("a", 2)])),
      ("members", DatabaseBuilder.nested(root: members)), ("meta", DatabaseBuilder.inline([])),
    ])
    return outcome(builder, root: root)
  }

  /// Adds so many stale leaves of members that nothing fits any more.
  private func addStaleMembers(_ builder: inout DatabaseBuilder) {
    for page in 0..<200 {
      builder.leaf(
        (10..<30).map {
          (Array("8e9e05c5\($0)\(page + 100)".utf8), [UInt8](repeating: 1, count: 100))
        })
    }
  }

  @Test func `that were dropped from a page in use leave the database undecided`() {
    var builder = DatabaseBuilder()
    addStaleMembers(&builder)
    let members = builder.leaf([Self.member])
    #expect(outcome(&builder, members: members) == ["undecided"])
  }

  @Test func `that were dropped from free pages do not matter`() {
    var builder = DatabaseBuilder()
    let members = builder.leaf([Self.member])
    addStaleMembers(&builder)
    #expect(outcome(&builder, members: members) == ["m0"])
  }

  @Test func `that were dropped from a bucket without figures do not matter`() {
    var builder = DatabaseBuilder()
    let members = builder.leaf([Self.member])
    addStaleMembers(&builder)
    let users = builder.leaf([(Array("1000".utf8), [1]), (Array("1001".utf8), [2])])
    let root = builder.bucketLeaf([
      ("authUsers", DatabaseBuilder.nested(root: users)),
      ("key", DatabaseBuilder.inline([Etcd.put("a", 2)])),
      ("members", DatabaseBuilder.nested(root: members)), ("meta", DatabaseBuilder.inline([])),
    ])
    #expect(outcome(builder, root: root) == ["m0"])
  }

  @Test
  func `in stale versions of the root do not displace those of a bucket with pages of its own`() {
    var builder = DatabaseBuilder()
    let member: DatabaseBuilder.Record = (Self.member.key, [UInt8](repeating: 1, count: 900))
    for _ in 0..<700 {
      builder.bucketLeaf([("members", DatabaseBuilder.inline([member]))])
    }
    let members = builder.leaf([Self.member])
    #expect(outcome(&builder, members: members) == ["m0"])
  }

  @Test func `of an inline bucket below a branch leave the database undecided when dropped`() {
    var builder = DatabaseBuilder()
    let old: [DatabaseBuilder.Record] = [
      (Array("finishedCompactRev".utf8), [UInt8](repeating: 1, count: 900))
    ]
    for _ in 0..<700 { builder.bucketLeaf([("meta", DatabaseBuilder.inline(old))]) }
    let key = builder.bucketLeaf([("key", DatabaseBuilder.inline([Etcd.put("a", 2)]))])
    let meta = builder.bucketLeaf([
      (
        "meta", DatabaseBuilder.inline([(Array("finishedCompactRev".utf8), Etcd.key(9))])
      )
    ])
    let root = builder.branch([(Array("key".utf8), key), (Array("meta".utf8), meta)])
    #expect(outcome(builder, root: root) == ["undecided"])
  }

  @Test func `that were dropped do not hide that another bucket is broken`() {
    var builder = DatabaseBuilder()
    let broken = builder.leaf([Etcd.put("a", 3), Etcd.put("b", 2)])
    let members = builder.leaf([(Self.member.key, [UInt8](repeating: 1, count: 5000))])
    let root = builder.bucketLeaf([
      ("key", DatabaseBuilder.inline([Etcd.put("a", 2)])),
      ("members", DatabaseBuilder.nested(root: members)), ("meta", DatabaseBuilder.inline([])),
      ("other", DatabaseBuilder.nested(root: broken)),
    ])
    #expect(outcome(builder, root: root)[0].contains("page \(broken) (bucket other)"))
  }

  @Test func `that were dropped from the tree of buckets do not hide that a bucket is broken`() {
    var builder = DatabaseBuilder()
    let record: DatabaseBuilder.Record = (
      Array("finishedCompactRev".utf8), [UInt8](repeating: 1, count: 900)
    )
    let meta = DatabaseBuilder.inline([record])
    for _ in 0..<260 { builder.bucketLeaf([("meta", meta)]) }
    let broken = builder.leaf([Etcd.put("a", 3), Etcd.put("b", 2)])
    let left = builder.bucketLeaf([("key", DatabaseBuilder.nested(root: broken))])
    let right = builder.bucketLeaf([("meta", meta)])
    let root = builder.branch([(Array("key".utf8), left), (Array("meta".utf8), right)])
    #expect(outcome(builder, root: root)[0].contains("page \(broken) (bucket key)"))
  }

  @Test func `that were dropped do not hide that it is no database of etcd`() {
    var builder = DatabaseBuilder()
    addStaleMembers(&builder)
    let members = builder.leaf([Self.member])
    let root = builder.bucketLeaf([("members", DatabaseBuilder.nested(root: members))])
    #expect(outcome(builder, root: root) == ["\(BoltError.notEtcd(missingBucket: "key"))"])
  }

  @Test func `of members with long addresses are read from leaves of several pages`() {
    var builder = DatabaseBuilder()
    let address = String(repeating: "x", count: 2000)
    let members = builder.leaf(
      (1...3).map {
        (Array("8e9e05c\($0)".utf8), Array(#"{"peerURLs":["\#(address)"],"name":"m\#($0)"}"#.utf8))
      })
    #expect(outcome(&builder, members: members) == ["m1", "m2", "m3"])
  }

  @Test func `too large to be kept leave the database undecided`() {
    var builder = DatabaseBuilder()
    let members = builder.leaf([(Self.member.key, [UInt8](repeating: 1, count: 5000))])
    #expect(outcome(&builder, members: members) == ["undecided"])
  }
}
