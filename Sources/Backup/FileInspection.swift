/// A local database file read through: sound or not, what is inside, and whether its SHA-256 is right.

package import Bolt
internal import Digests
internal import Glibc

package struct FileInspection: Encodable {
  /// What `etcdutl snapshot status` says of the same file.
  package struct SnapshotStatus: Encodable {
    package let hash: UInt32
    package let revision: UInt64
    /// All records: total keys up to etcd 3.5.
    package let totalRecords: Int
    /// Keys that have a value: total keys from etcd 3.6 on.
    package let liveKeys: Int
    /// Bytes, the trailer excluded.
    package let totalSize: Int
  }

  /// The SHA-256 behind the database, by which etcd's own restore knows a snapshot.
  package enum Trailer: String, Encodable {
    case right, wrong
    /// A file that etcd works on has none; a restore of it needs `--skip-hash-check`.
    case absent
  }

  package let path: String
  package let status: SnapshotStatus
  package let trailer: Trailer
  package let database: DatabaseReport

  /// Throws where the file cannot be read or its database is unsound.
  package init(path: String) throws(BoltError) {
    let report = try DatabaseFile(path).inspect()
    self.path = path
    database = report.database
    status = SnapshotStatus(
      hash: report.hash, revision: report.database.lastRevision,
      totalRecords: report.database.totalRecords, liveKeys: report.liveKeys,
      totalSize: report.database.byteCount)
    trailer =
      if let stored = report.storedSHA256 {
        try Self.digest(of: path, count: report.database.byteCount).bytes == stored
          ? .right : .wrong
      } else {
        .absent
      }
  }

  /// Whether etcd's own restore would take the file as it is.
  package var isWhole: Bool { trailer == .right }

  /// The SHA-256 of the first `count` bytes.
  private static func digest(of path: String, count: Int) throws(BoltError) -> SHA256Digest {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw unreadable(path, errno) }
    defer { close(file) }
    var digest = SHA256()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var left = count
    while left > 0 {
      let wanted = min(left, buffer.count)
      let result = unsafe read(file, &buffer, wanted)
      if result < 0 && errno == EINTR { continue }
      guard result > 0 else { throw unreadable(path, result < 0 ? errno : EIO) }
      unsafe buffer.withUnsafeBytes {
        unsafe digest.update(UnsafeRawBufferPointer(rebasing: $0[..<result]))
      }
      left -= result
    }
    return digest.finish()
  }

  private static func unreadable(_ path: String, _ number: Int32) -> BoltError {
    .unreadable(path: path, reason: unsafe String(cString: strerror(number)))
  }
}
