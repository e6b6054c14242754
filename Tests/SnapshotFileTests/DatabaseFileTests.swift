import Foundation
import SnapshotFile
import SnapshotFileTestSupport
import Testing
import TestSupport

@Suite struct `A database in a file` {
  private static let database = SnapshotFixture.database

  /// Hands a file with these bytes to `body`.
  private func withFile(_ bytes: [UInt8], _ body: (URL) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "bolt-\(UUID())")
    defer { try? FileManager.default.removeItem(at: path) }
    try Data(bytes).write(to: path)
    try body(path)
  }

  @Test func `tells more than a stream: the hash, the live keys and the SHA-256`() throws {
    try withFile(SnapshotFixture.file) { path in
      let report = try DatabaseFile(path.path).inspect()
      #expect(report.hash == 1_601_604_623)
      #expect(report.liveKeys == 3)
      #expect(report.checksum == .right)
      #expect(try report.database == inspect(SnapshotFixture.database))
    }
  }

  @Test(arguments: [1, 31, 33, 64, 4095, 4128])
  func `has a damaged trailer if what follows is neither a SHA-256 nor whole pages`(count: Int)
    throws
  {
    try withFile(Self.database + [UInt8](repeating: 7, count: count)) { path in
      let report = try DatabaseFile(path.path).inspect()
      #expect(report.checksum == .damaged)
      #expect(report.trailingByteCount == UInt64(count))
    }
  }

  @Test(arguments: [0, 32, 4096, 65536])
  func `may be a snapshot, a bare database, or have room for more pages`(count: Int) throws {
    try withFile(Self.database + [UInt8](repeating: 7, count: count)) { path in
      let report = try DatabaseFile(path.path).inspect()
      #expect(report.checksum == (count == 32 ? .wrong : .none))
    }
  }

  @Test func `that is shorter than its header says is refused, even if it grows meanwhile`() throws
  {
    let size = Self.database.count
    try withFile(Array(Self.database.dropLast(100))) { path in
      #expect(throws: BoltError.ended(after: UInt64(size - 100), expected: UInt64(size))) {
        let file = try DatabaseFile(path.path)
        let handle = try FileHandle(forWritingTo: path)
        try handle.seekToEnd()
        try handle.write(contentsOf: Self.database.suffix(100))
        _ = try file.inspect()
      }
    }
  }

  @Test func `that shrinks while it is read is told as ended`() throws {
    var builder = DatabaseBuilder()
    // The root comes first in the file, so that the leaf is what ends too early.
    let leaf = DatabaseBuilder.nested(root: builder.pageCount + 1)
    let root = builder.bucketLeaf(Etcd.buckets(key: leaf))
    let page = builder.leaf([Etcd.put("a", 2, value: [UInt8](repeating: 7, count: 9000))])
    let file = builder.snapshot(root: root)
    let rest = (page + 1) * 4096 + 100
    try withFile(file) { path in
      let handle = try FileHandle(forWritingTo: path)
      #expect(throws: BoltError.ended(after: rest, expected: UInt64(file.count))) {
        _ = try DatabaseFile(path.path).inspect { try? handle.truncate(atOffset: rest) }
      }
    }
  }

  @Test func `has the live keys counted, however often they were put and deleted`() throws {
    var builder = DatabaseBuilder()
    var records: [DatabaseBuilder.Record] = []
    for number in 0..<300 {
      records.append(Etcd.put("k\(number % 100)", 2 + number))
      if number % 3 == 0 { records.append(Etcd.tombstone("k\(number % 100)", 2 + number, 1)) }
    }
    let leaves = stride(from: 0, to: records.count, by: 50).map { start in
      let leaf = Array(records[start..<start + 50])
      return (key: leaf[0].key, page: builder.leaf(leaf))
    }
    let key = DatabaseBuilder.nested(root: builder.branch(leaves))
    let root = builder.bucketLeaf(Etcd.buckets(key: key))
    try withFile(builder.snapshot(root: root)) { path in
      // Of the last hundred puts, 33 were deleted.
      let report = try DatabaseFile(path.path).inspect()
      #expect(report.liveKeys == 67)
    }
  }
}
