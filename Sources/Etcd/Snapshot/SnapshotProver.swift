// Proves that bytes are one whole snapshot file: a database as long as its own header says, then its SHA-256.

package import Bolt
package import Digests

/// Fed with the file in order, in pieces of any length: by the stream from etcd while a backup is
/// taken, and from the store when one is read back. So "verified" means the same for both.
///
/// The SHA-256 proves that these are the bytes that etcd sent, the check of the pages that etcd had
/// a sound database to send.
package struct SnapshotProver: ~Copyable {
  /// The first bytes, until the database's header is whole.
  private var head: [UInt8] = []
  private var digest = SHA256()
  private var databaseBytes: UInt64 = 0
  private var trailer: [UInt8] = []
  /// `nil` where the pages are not to be checked, or are known to be unsound.
  private var inspection: DatabaseInspection?
  /// Told only at the end: bytes damaged on their way are no reason to doubt the database.
  private var defect: BoltError?

  /// Bytes of the database as its header says; known once the first 80 bytes have come.
  package private(set) var databaseSize: UInt64?

  package init(checkingPages: Bool) {
    inspection = checkingPages ? DatabaseInspection() : nil
  }

  /// Bytes so far, those of the trailer included.
  package var received: UInt64 { UInt64(head.count) + databaseBytes + UInt64(trailer.count) }

  package mutating func update(_ bytes: RawSpan) throws(SnapshotError) {
    guard let size = databaseSize else { return try updateHead(bytes) }
    let count = bytes.byteCount
    let end = Int(min(UInt64(count), size - databaseBytes))
    if end > 0 { takeDatabase(bytes.extracting(0..<end)) }
    if end < count { try takeTrailer(bytes.extracting(end..<count)) }
  }

  /// Throws unless what came is all of a snapshot.
  package consuming func finish() throws(SnapshotError) -> SnapshotProof {
    guard let databaseSize, let announced = SHA256Digest(trailer) else {
      throw .truncated(
        received: received, expected: databaseSize.map { $0 + UInt64(SHA256Digest.byteCount) })
    }
    let pages = Result { () throws(SnapshotError) in try judgePages() }
    var whole = digest.copy()
    let computed = digest.finish()
    guard computed == announced else {
      throw .checksumMismatch(announced: announced, computed: computed)
    }
    unsafe trailer.withUnsafeBytes { unsafe whole.update($0) }
    return SnapshotProof(
      size: databaseSize + UInt64(SHA256Digest.byteCount), sha256: whole.finish(),
      pages: try pages.get())
  }

  private mutating func judgePages() throws(SnapshotError) -> PageCheck {
    do throws(BoltError) {
      if let defect { throw defect }
      guard let report = try inspection.take()?.finish() else { return .off }
      return .sound(report)
    } catch {
      // Nothing speaks against the database but that it is odd; without a backup it would be lost.
      if case .tooTangled = error { return .undecided(error) }
      throw .unsound(error)
    }
  }

  // MARK: The parts of the file

  private mutating func updateHead(_ bytes: RawSpan) throws(SnapshotError) {
    let end = min(bytes.byteCount, MetaPage.byteCount - head.count)
    head.append(contentsOf: bytes.extracting(0..<end))
    guard head.count == MetaPage.byteCount else { return }
    databaseSize = try MetaPage(firstBytes: head).databaseSize
    let whole = head
    head = []
    unsafe takeDatabase(whole.span.bytes)
    try update(bytes.extracting(end..<bytes.byteCount))
  }

  /// Every byte of the database passes here, in order and once.
  private mutating func takeDatabase(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe digest.update($0) }
    databaseBytes += UInt64(bytes.byteCount)
    do throws(BoltError) {
      try inspection?.update(bytes)
    } catch {
      defect = error
      inspection = nil
    }
  }

  private mutating func takeTrailer(_ bytes: RawSpan) throws(SnapshotError) {
    let excess = trailer.count + bytes.byteCount - SHA256Digest.byteCount
    guard excess <= 0 else { throw .excessBytes(byteCount: excess) }
    trailer.append(contentsOf: bytes)
  }
}

extension [UInt8] {
  fileprivate mutating func append(contentsOf bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}

/// What is known of a snapshot that proved whole.
package struct SnapshotProof: Equatable, Sendable {
  /// Bytes, the 32 of the trailer included.
  package let size: UInt64
  /// Of all those bytes: what `sha256sum` prints for the file.
  package let sha256: SHA256Digest
  package let pages: PageCheck
}

extension MetaPage {
  /// Reads the first 80 bytes of a snapshot.
  init(firstBytes bytes: [UInt8]) throws(SnapshotError) {
    do throws(BoltError) {
      try self.init(page: 0, bytes)
    } catch {
      throw .notDatabase(error)
    }
  }
}
