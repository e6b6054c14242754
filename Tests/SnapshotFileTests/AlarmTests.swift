// Alarms that a database holds are told, and nothing else is taken for one.

import SnapshotFile
import SnapshotFileTestSupport
import Testing

@Suite struct `The alarms in a database` {
  private func alarms(_ records: DatabaseBuilder.Record...) throws -> [String] {
    try inspect(Etcd.store(alarms: records)).alarms.map(\.description)
  }

  @Test(arguments: [0, 1, 0x7F, 0x80, 0x91BC_3C39_8FB3_C146, UInt64.max])
  func `are told with their member`(member: UInt64) throws {
    let id = String(member, radix: 16)
    #expect(try alarms(Etcd.alarm(1, of: member)) == ["NOSPACE of member \(id)"])
    #expect(try alarms(Etcd.alarm(2, of: member)) == ["CORRUPT of member \(id)"])
  }

  @Test func `are told all`() throws {
    let report = try inspect(
      Etcd.store(alarms: [Etcd.alarm(1, of: 7), Etcd.alarm(2, of: 7), Etcd.alarm(1, of: 8)]))
    #expect(report.alarms.map(\.member) == ["7", "7", "8"])
    #expect(report.alarms.map(\.kind) == [.outOfSpace, .corrupt, .outOfSpace])
    #expect(report.isOutOfSpace)
    #expect(report.corruptAlarm?.member == "7")
  }

  @Test func `may be none`() throws {
    let report = try inspect(Etcd.store(alarms: []))
    #expect(report.alarms.isEmpty && !report.isOutOfSpace && report.corruptAlarm == nil)
  }

  @Test func `of a member without a number are told as well`() throws {
    #expect(try alarms(([0x10, 2], [])) == ["CORRUPT of member 0"])
  }

  @Test func `may have a page of their own`() throws {
    var builder = DatabaseBuilder()
    let leaf = builder.leaf([Etcd.alarm(2, of: 7)])
    let key = DatabaseBuilder.inline([Etcd.put("a", 2)])
    let root = builder.bucketLeaf(
      [("alarm", DatabaseBuilder.nested(root: leaf))] + Etcd.buckets(key: key))
    #expect(try inspect(builder.snapshot(root: root)).alarms.map(\.kind) == [.corrupt])
  }

  @Test(arguments: [
    [0x08], [0x10], [0x08, 7], [0x08, 7, 0x10], [0x08, 7, 0x10, 0], [0x08, 7, 0x10, 3],
    [0x08, 7, 0x10, 2, 0], [0x08, 0x87], [0x10, 2, 0x08, 7], Array("CORRUPT".utf8),
  ])
  func `are of kinds that are known`(key: [UInt8]) throws {
    #expect(try alarms((key, [])).isEmpty)
  }

  @Test func `are those of the bucket alarm alone, and of pages in use`() throws {
    var builder = DatabaseBuilder()
    let key = DatabaseBuilder.inline([Etcd.put("a", 2)])
    builder.bucketLeaf(
      [("alarm", DatabaseBuilder.inline([Etcd.alarm(2, of: 7)]))] + Etcd.buckets(key: key))
    let leases = builder.leaf([Etcd.alarm(2, of: 8)])
    let root = builder.bucketLeaf(
      Array(Etcd.buckets(key: key).prefix(1)) + [("lease", DatabaseBuilder.nested(root: leases))]
        + Array(Etcd.buckets(key: key).suffix(1)))
    #expect(try inspect(builder.snapshot(root: root)).alarms.isEmpty)
  }
}
