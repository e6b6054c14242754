internal import Digests

/// The sizes of a snapshot file: a database in whole pages, then 32 bytes of SHA-256.
///
/// etcd's restore takes a file for one with its hash if its size is a multiple of 512 plus 32, so no
/// other size is a snapshot's.
package enum SnapshotLayout {
  /// Bytes of the SHA-256 behind the database.
  package static let trailerByteCount = SHA256Digest.byteCount

  /// The smallest database that etcd makes: four pages of 4096 bytes.
  private static let smallestDatabase = 4 * 4096

  package static func fileSize(database size: UInt64) -> UInt64 {
    size + UInt64(trailerByteCount)
  }

  /// Whether a file of `size` bytes can be a snapshot.
  package static func allows(fileSize size: Int) -> Bool {
    size >= smallestDatabase + trailerByteCount && size % 512 == trailerByteCount
  }
}
