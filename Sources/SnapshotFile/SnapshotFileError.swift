package import Digests

/// Why a file, or a stream of its bytes, is not one whole snapshot.
package enum SnapshotFileError: Error, Equatable {
  /// It ended early; `expected` is known once the first 80 bytes have come.
  case truncated(received: UInt64, expected: UInt64?)
  /// It goes on behind the trailer.
  case excessBytes(byteCount: Int)
  /// The first page is not the beginning of a bbolt database.
  case notDatabase(BoltError)
  /// The trailer is not the SHA-256 of what came before it.
  case checksumMismatch(stored: SHA256Digest, computed: SHA256Digest)
  /// The bytes are those that etcd sent, but the database in them is broken.
  case unsound(BoltError)
}

extension SnapshotFileError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .truncated(let received, let expected?):
      "the snapshot ended early, after \(received) of \(expected) bytes"
    case .truncated(let received, nil):
      "the snapshot ended early, after \(received) bytes"
    case .excessBytes(let byteCount):
      "\(byteCount) \(byteCount == 1 ? "byte follows" : "bytes follow") the end of the snapshot"
    case .notDatabase(let error):
      "the snapshot does not begin like an etcd database: \(error)"
    case .checksumMismatch(let stored, let computed):
      "the snapshot's SHA-256 is \(computed), but its last 32 bytes say \(stored)"
    case .unsound(let error):
      "the snapshot cannot be restored: \(error)"
    }
  }
}
