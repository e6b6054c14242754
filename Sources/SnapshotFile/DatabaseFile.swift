internal import Digests

/// A database in a local file: a snapshot, or the file that etcd works on.
///
/// ```swift
/// let report = try DatabaseFile("member/snap/db").inspect()
/// ```
///
/// Beside what a stream tells, a file tells the `hash` and the live keys of `snapshot status`. Both
/// need the records in the order of their keys, and a stream brings its pages in any order: the hash
/// is a checksum over the records one after the other, and whether a key lives is decided by the
/// last of its revisions.
package struct DatabaseFile: ~Copyable {
  /// What a file tells.
  package struct Report: Equatable, Encodable, Sendable {
    /// What a stream would tell as well.
    package let database: DatabaseReport
    /// What `snapshot status` calls hash.
    package let hash: UInt32
    /// What `snapshot status` of etcd 3.6 calls total keys: the keys that have a value.
    package let liveKeys: Int
    /// The bytes behind the database: a snapshot's SHA-256, nothing, or the room that a live file
    /// keeps.
    package let trailingByteCount: UInt64
    package let checksum: Checksum
  }

  /// What the bytes behind the database are.
  package enum Checksum: String, Encodable, Sendable {
    /// The SHA-256 of what is before them.
    case right
    /// 32 bytes that are not.
    case wrong
    /// Nothing, or whole pages: a live file has room for further ones, never for parts of one.
    case none
    /// Of another length.
    case damaged
  }

  private let file: ReadableFile
  private let meta: MetaPage
  private let size: UInt64

  /// Opens the file and reads its meta pages.
  package init(_ path: String) throws(BoltError) {
    let file = try ReadableFile(path)
    let size = try file.size
    let meta = try Self.newestMeta(of: file, size: size)
    // Even if it grows meanwhile: its writer has not finished.
    guard size >= meta.databaseSize else {
      throw .ended(after: size, expected: meta.databaseSize)
    }
    self.meta = meta
    self.size = size
    self.file = file
  }

  /// Reads everything and says what is there, if the database is sound. The file is read twice: in its
  /// own order, then in the order of the keys; tests change it `between` the two.
  package func inspect(between: () -> Void = {}) throws(BoltError) -> Report {
    var digest = SHA256()
    let database = try inspectPages(&digest)
    between()
    var records = RecordOrder(meta: meta)
    try records.read(file)
    let trailing = size - meta.databaseSize
    return Report(
      database: database, hash: records.hash.value, liveKeys: records.liveKeyCount,
      trailingByteCount: trailing,
      checksum: try checksum(of: trailing, expecting: digest.finish()))
  }

  private func checksum(
    of trailing: UInt64, expecting computed: SHA256Digest
  ) throws(BoltError) -> Checksum {
    if trailing == UInt64(SnapshotLayout.trailerByteCount) {
      let stored = try file.read(SnapshotLayout.trailerByteCount, at: meta.databaseSize)
      return stored == computed.bytes ? .right : .wrong
    }
    return trailing % UInt64(meta.pageSize) == 0 ? .none : .damaged
  }

  private func inspectPages(_ digest: inout SHA256) throws(BoltError) -> DatabaseReport {
    var inspection = DatabaseInspection(readBefore: meta)
    var offset: UInt64 = 0
    while offset < meta.databaseSize {
      let count = min(1 << 20, meta.databaseSize - offset)
      let bytes = try file.read(Int(count), at: offset)
      guard bytes.count == Int(count) else { break }  // `finish` says what is missing
      unsafe digest.update(bytes.span.bytes)
      try inspection.update(bytes)
      offset += count
    }
    return try inspection.finish()
  }

  /// The newer of the file's meta pages.
  ///
  /// A snapshot has two that agree. A live file has those of the last two transactions, of which the
  /// newer may be torn; where the second page begins is then known from the first or by trying.
  private static func newestMeta(
    of file: borrowing ReadableFile, size: UInt64
  ) throws(BoltError) -> MetaPage {
    func meta(_ number: Int, pageSize: Int) throws(BoltError) -> MetaPage {
      let bytes = try file.read(MetaPage.byteCount, at: UInt64(number * pageSize))
      let meta = try unsafe MetaPage(page: number, bytes.span.bytes)
      guard number == 0 || meta.pageSize == pageSize else {
        throw .meta(page: number, .pageSize(meta.pageSize))
      }
      return meta
    }
    let first: MetaPage
    do {
      first = try meta(0, pageSize: 0)
    } catch {
      for pageSize in [4096, 8192, 16384, 32768, 65536] {
        // Not being there is the answer to this question, not a failure.
        if let second = try? meta(1, pageSize: pageSize), second.databaseSize <= size {
          return second
        }
      }
      throw error
    }
    if size == SnapshotLayout.fileSize(database: first.databaseSize) {
      let second = try meta(1, pageSize: first.pageSize)
      guard first.isFollowed(by: second) else {
        throw .metasDisagree(newest: first.txid, other: second.txid)
      }
      return first
    }
    guard let second = try? meta(1, pageSize: first.pageSize), second.txid > first.txid else {
      return first  // a torn second page: bbolt goes on with the first
    }
    return second
  }
}
