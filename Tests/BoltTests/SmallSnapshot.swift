import Foundation

/// A real snapshot, small enough to damage every byte of: etcd 3.4.23, five pages of 4 KiB.
///
/// Written were a=1, a=2, b=3, then a was deleted, then one transaction put c=1 and d=2. Every bucket
/// lies inline in page 2, the root; pages 3 and 4 are free and hold stale nodes.
enum SmallSnapshot {
  /// The file as `etcdctl snapshot save` leaves it: the database and its SHA-256.
  static let path = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/small.db").path

  static let file: [UInt8] = FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []

  static var database: [UInt8] { Array(file.dropLast(32)) }
}
