package import Digests

/// Verifies a snapshot file: a bbolt database as long as its own header says, then its SHA-256.
///
/// Takes the file in order, in pieces of any length: from etcd while a backup is taken, from the store
/// when one is read back, from a local file. So "verified" means the same for all of them.
///
/// The SHA-256 shows that these are the bytes that etcd sent; the page check, that etcd had a sound
/// database to send.
///
/// ```swift
/// var verifier = SnapshotVerifier(checkingPages: true)
/// while let bytes = try source.next() { try verifier.update(bytes) }
/// let verified = try verifier.finish()
/// ```
package struct SnapshotVerifier: ~Copyable {
  /// The first bytes, until the database's header is complete.
  private var head: [UInt8] = []
  private var digest = SHA256()
  private var databaseBytes: UInt64 = 0
  private var trailer: [UInt8] = []
  private let checksPages: Bool
  /// `nil` until the header has come, and where the pages are known to be unsound.
  private var inspection: DatabaseInspection?
  /// Thrown only at the end: bytes damaged in transit are no reason to doubt the database.
  private var defect: BoltError?

  /// Bytes of the database as its header says; known once the first 80 bytes have come.
  package private(set) var databaseSize: UInt64?

  package init(checkingPages: Bool) {
    checksPages = checkingPages
  }

  /// Bytes so far, those of the trailer included.
  package var received: UInt64 { UInt64(head.count) + databaseBytes + UInt64(trailer.count) }

  /// Bytes of the whole file, trailer included; known once the first 80 bytes have come.
  package var expected: UInt64? { databaseSize.map(SnapshotLayout.fileSize(database:)) }

  package mutating func update(_ bytes: RawSpan) throws(SnapshotFileError) {
    guard let size = databaseSize else { return try updateHead(bytes) }
    let count = bytes.byteCount
    let end = Int(min(UInt64(count), size - databaseBytes))
    if end > 0 { takeDatabase(bytes.extracting(0..<end)) }
    if end < count { try takeTrailer(bytes.extracting(end..<count)) }
  }

  /// Throws unless what came is all of a snapshot.
  package consuming func finish() throws(SnapshotFileError) -> VerifiedSnapshot {
    guard let databaseSize, let stored = SHA256Digest(trailer) else {
      throw .truncated(received: received, expected: expected)
    }
    let pages = Result { () throws(SnapshotFileError) in try judgePages() }
    var whole = digest.copy()
    let computed = digest.finish()
    guard computed == stored else {
      throw .checksumMismatch(stored: stored, computed: computed)
    }
    unsafe whole.update(stored.bytes.span.bytes)
    return VerifiedSnapshot(
      size: SnapshotLayout.fileSize(database: databaseSize), sha256: whole.finish(),
      pages: try pages.get())
  }

  private mutating func judgePages() throws(SnapshotFileError) -> PageCheck {
    do throws(BoltError) {
      if let defect { throw defect }
      guard let report = try inspection.take()?.finish() else { return .off }
      return .sound(report)
    } catch {
      // The database is unusual, not known to be broken; refused, it would have no backup at all.
      if case .memoryLimitExceeded = error { return .undecided(error) }
      throw .unsound(error)
    }
  }

  // MARK: The parts of the file

  private mutating func updateHead(_ bytes: RawSpan) throws(SnapshotFileError) {
    let end = min(bytes.byteCount, MetaPage.byteCount - head.count)
    head.append(contentsOf: bytes.extracting(0..<end))
    guard head.count == MetaPage.byteCount else { return }
    let whole = head
    let meta: MetaPage
    do throws(BoltError) {
      meta = try MetaPage(page: 0, unsafe whole.span.bytes)
    } catch {
      throw .notDatabase(error)
    }
    databaseSize = meta.databaseSize
    if checksPages { inspection = DatabaseInspection(startingWith: meta) }
    head = []
    unsafe takeDatabase(whole.span.bytes)
    try update(bytes.extracting(end..<bytes.byteCount))
  }

  /// Every byte of the database passes here, in order and once.
  private mutating func takeDatabase(_ bytes: RawSpan) {
    digest.update(bytes)
    databaseBytes += UInt64(bytes.byteCount)
    do throws(BoltError) {
      try inspection?.update(bytes)
    } catch {
      defect = error
      inspection = nil
    }
  }

  private mutating func takeTrailer(_ bytes: RawSpan) throws(SnapshotFileError) {
    let excess = trailer.count + bytes.byteCount - SnapshotLayout.trailerByteCount
    guard excess <= 0 else { throw .excessBytes(byteCount: excess) }
    trailer.append(contentsOf: bytes)
  }
}

/// What is known of a snapshot that was verified.
package struct VerifiedSnapshot: Equatable, Sendable {
  /// Bytes, the 32 of the trailer included.
  package let size: UInt64
  /// Of all those bytes: what `sha256sum` prints for the file.
  package let sha256: SHA256Digest
  package let pages: PageCheck
}
