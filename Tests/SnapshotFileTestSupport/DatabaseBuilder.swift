// Builds bbolt files byte by byte, in any shape, sound or not, for tests that no etcd can be made to
// produce on demand. What real etcds write is tested in Tests/Integration.

package import SnapshotFile

/// A bbolt file under construction: pages are added one after the other, metas come last.
package struct DatabaseBuilder {
  package let pageSize: Int
  /// All pages; the first two stay empty until `snapshot`.
  package private(set) var bytes: [UInt8]
  /// Page number of the stored list of free pages, if there is one.
  package var freelist: UInt64 = .max

  package typealias Record = (key: [UInt8], value: [UInt8])

  package init(pageSize: Int = 4096) {
    self.pageSize = pageSize
    bytes = [UInt8](repeating: 0, count: 2 * pageSize)
  }

  package var pageCount: UInt64 { UInt64(bytes.count / pageSize) }

  // MARK: Pages

  /// Adds a leaf; `isBucket` tells which values are buckets. Returns its page number.
  @discardableResult
  package mutating func leaf(_ records: [Record], isBucket: (Int) -> Bool = { _ in false })
    -> UInt64
  {
    append(flags: 2, Self.leafBody(records, isBucket: isBucket), count: records.count)
  }

  /// Adds the leaf at the root of the buckets' tree.
  @discardableResult
  package mutating func bucketLeaf(_ buckets: [(name: String, value: [UInt8])]) -> UInt64 {
    leaf(buckets.map { (Array($0.name.utf8), $0.value) }, isBucket: { _ in true })
  }

  /// Adds a branch over children whose first keys are given.
  @discardableResult
  package mutating func branch(_ children: [(key: [UInt8], page: UInt64)]) -> UInt64 {
    var elements: [UInt8] = []
    var keys: [UInt8] = []
    for (index, child) in children.enumerated() {
      let position = (children.count - index) * 16 + keys.count
      elements += Self.little(position, 4) + Self.little(child.key.count, 4)
      elements += Self.little(Int(truncatingIfNeeded: child.page), 8)
      keys += child.key
    }
    return append(flags: 1, elements + keys, count: children.count)
  }

  /// Adds a page of anything.
  @discardableResult
  package mutating func raw(_ content: [UInt8]) -> UInt64 {
    let number = pageCount
    bytes += content
    let rest = (pageSize - bytes.count % pageSize) % pageSize
    bytes += [UInt8](repeating: 0, count: rest)
    return number
  }

  /// Adds a list of free pages that names these.
  @discardableResult
  package mutating func freelistPage(_ free: [UInt64]) -> UInt64 {
    freelist = append(
      flags: 0x10, free.flatMap { Self.little(Int($0), 8) }, count: free.count)
    return freelist
  }

  private mutating func append(flags: Int, _ body: [UInt8], count: Int) -> UInt64 {
    let overflow = (16 + body.count - 1) / pageSize
    return raw(
      Self.little(Int(pageCount), 8) + Self.little(flags, 2) + Self.little(count, 2)
        + Self.little(overflow, 4) + body)
  }

  // MARK: Values

  /// The value of a bucket with pages of its own.
  package static func nested(root: UInt64) -> [UInt8] {
    little(Int(truncatingIfNeeded: root), 8) + little(7, 8)
  }

  /// The value of an inline bucket.
  package static func inline(_ records: [Record]) -> [UInt8] {
    little(0, 8) + little(0, 8) + little(0, 8) + little(2, 2) + little(records.count, 2)
      + little(0, 4) + leafBody(records, isBucket: { _ in false })
  }

  private static func leafBody(_ records: [Record], isBucket: (Int) -> Bool) -> [UInt8] {
    var elements: [UInt8] = []
    var data: [UInt8] = []
    for (index, record) in records.enumerated() {
      let position = (records.count - index) * 16 + data.count
      elements += little(isBucket(index) ? 1 : 0, 4) + little(position, 4)
      elements += little(record.key.count, 4) + little(record.value.count, 4)
      data += record.key + record.value
    }
    return elements + data
  }

  /// `value` in `count` little-endian bytes.
  package static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  // MARK: The whole

  /// The file as bbolt streams it, with its root at `root`.
  package func snapshot(root: UInt64, txid: Int = 9) -> [UInt8] {
    var file = bytes
    for page in 0...1 {
      var meta = Self.little(0xED0C_DAED, 4) + Self.little(2, 4) + Self.little(pageSize, 4)
      meta += Self.little(0, 4) + Self.little(Int(root), 8) + Self.little(0, 8)
      meta += Self.little(Int(truncatingIfNeeded: freelist), 8) + Self.little(Int(pageCount), 8)
      meta += Self.little(txid - page, 8)
      let header = Self.little(page, 8) + Self.little(4, 2) + Self.little(0, 6)
      let checked = header + meta + Self.checksum(meta)
      file.replaceSubrange(page * pageSize..<page * pageSize + checked.count, with: checked)
    }
    return file
  }

  package static func checksum(_ meta: [UInt8]) -> [UInt8] {
    let hash = meta.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    return little(Int(truncatingIfNeeded: hash), 8)
  }
}

/// Records as etcd writes them.
package enum Etcd {
  package static func big(_ value: Int) -> [UInt8] {
    DatabaseBuilder.little(value, 8).reversed()
  }

  package static func key(_ main: Int, _ sub: Int = 0, isTombstone: Bool = false) -> [UInt8] {
    big(main) + Array("_".utf8) + big(sub) + (isTombstone ? Array("t".utf8) : [])
  }

  package static func varint(_ value: Int) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + varint(value >> 7)
  }

  /// A put of `user` at revision `main`.
  package static func put(
    _ user: String, _ main: Int, _ sub: Int = 0, value: [UInt8] = [1]
  ) -> DatabaseBuilder.Record {
    let name = [0x0A] + varint(user.utf8.count) + Array(user.utf8)
    let revisions = [0x10] + varint(main) + [0x18] + varint(main) + [0x20, 1]
    return (key(main, sub), name + revisions + [0x2A] + varint(value.count) + value)
  }

  package static func tombstone(_ user: String, _ main: Int, _ sub: Int = 0)
    -> DatabaseBuilder.Record
  {
    (key(main, sub, isTombstone: true), [0x0A] + varint(user.utf8.count) + Array(user.utf8))
  }

  /// An alarm of `member`: 1 is NOSPACE, 2 is CORRUPT.
  package static func alarm(_ kind: Int, of member: UInt64) -> DatabaseBuilder.Record {
    var id: [UInt8] = []
    var rest = member
    while rest >= 0x80 {
      id.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return ([0x08] + id + [UInt8(rest), 0x10, UInt8(kind)], [])
  }

  /// A store with these records in bucket `alarm`.
  package static func store(alarms: [DatabaseBuilder.Record]) -> [UInt8] {
    var builder = DatabaseBuilder()
    let key = DatabaseBuilder.inline([put("a", 2)])
    let root = builder.bucketLeaf([("alarm", DatabaseBuilder.inline(alarms))] + buckets(key: key))
    return builder.snapshot(root: root)
  }

  /// The values of the buckets that a store needs: `key` as given, `meta` with what is usual.
  package static func buckets(
    key: [UInt8], meta: [DatabaseBuilder.Record] = [(Array("consistent_index".utf8), big(12))]
  ) -> [(name: String, value: [UInt8])] {
    [("key", key), ("meta", DatabaseBuilder.inline(meta))]
  }
}

extension DatabaseInspection {
  /// Begins the inspection of this file; its bytes are still to be passed in.
  package init(of file: [UInt8]) throws(BoltError) {
    self.init(startingWith: try MetaPage(page: 0, file))
  }
}

/// Inspects a whole snapshot, handed over in chunks.
package func inspect(_ file: [UInt8], chunk: Int = 1 << 16) throws(BoltError) -> DatabaseReport {
  var inspection = try DatabaseInspection(of: file)
  for start in stride(from: 0, to: file.count, by: chunk) {
    try inspection.update(Array(file[start..<min(file.count, start + chunk)]))
  }
  return try inspection.finish()
}
