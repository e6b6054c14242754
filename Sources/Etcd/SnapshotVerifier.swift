/// Decides whether a snapshot is whole: the countdown, the size, the SHA-256 and the database's own header.

package import Digests
internal import FoundationEssentials

/// Fed with one message after another, in order; `finish` gives the proof or says what is missing.
///
/// A snapshot is whole only if every one of these holds: the announced bytes to come fall by
/// exactly the bytes that came; the header's high-water mark times the page size is the number of
/// database bytes; one message of exactly 32 bytes follows, and it is the SHA-256 of the database;
/// nothing follows that; and the size is a multiple of 512 plus 32, by which etcd's restore
/// recognises that a snapshot carries its hash.
package struct SnapshotVerifier: ~Copyable {
  private var digest = SHA256()
  /// Bytes of the database so far, trailer excluded.
  private var databaseBytes: UInt64 = 0
  /// What the database's header says; known once the first message has come.
  package private(set) var databaseSize: UInt64?
  private var expectedRemaining: UInt64 = 0
  private var emptyMessages = 0
  private var trailer: SHA256Digest?

  private static let trailerSize = UInt64(SHA256Digest.byteCount)
  /// etcd sends none; but a member that cannot read its database sends them for ever.
  private static let mostEmptyMessages = 100

  package init() {}

  /// Bytes of the snapshot so far, trailer included.
  package var received: UInt64 { databaseBytes + (trailer == nil ? 0 : Self.trailerSize) }

  package mutating func accept(_ message: SnapshotMessage) throws(SnapshotError) {
    if message.blob.isEmpty {
      emptyMessages += 1
      guard emptyMessages < Self.mostEmptyMessages else {
        throw .noProgress(received: received, emptyMessages: emptyMessages)
      }
      return
    }
    emptyMessages = 0
    guard trailer == nil else { throw .excessBytes(byteCount: message.blob.count) }
    if let size = databaseSize {
      try count(message)
      if databaseBytes == size { return try acceptTrailer(message) }
      try acceptDatabase(message, of: size)
    } else {
      let size = try readHeader(message)
      databaseSize = size
      try acceptDatabase(message, of: size)
    }
  }

  /// Throws unless the stream, which has ended cleanly, was a whole snapshot.
  package consuming func finish() throws(SnapshotError) -> SnapshotProof {
    guard let databaseSize, let trailer else {
      throw .truncated(
        received: received, expected: databaseSize.map { $0 + Self.trailerSize })
    }
    var whole = digest.copy()
    let computed = digest.finish()
    guard computed == trailer else {
      throw .checksumMismatch(announced: trailer, computed: computed)
    }
    unsafe trailer.bytes.withUnsafeBytes { unsafe whole.update($0) }
    return SnapshotProof(size: databaseSize + Self.trailerSize, sha256: whole.finish())
  }

  // MARK: Parts of a message's way

  /// The first message announces the size of the whole; the database's header must agree.
  private mutating func readHeader(_ message: SnapshotMessage) throws(SnapshotError) -> UInt64 {
    let header = try DatabaseHeader(message.blob)
    let (announced, overflow) = message.remaining.addingReportingOverflow(
      UInt64(message.blob.count))
    // etcd leaves the trailer out of its count; a proposed change counts it in.
    guard !overflow,
      announced == header.databaseSize || announced == header.databaseSize + Self.trailerSize
    else {
      throw .wrongSize(announced: announced, database: header.databaseSize)
    }
    expectedRemaining = message.remaining
    return header.databaseSize
  }

  private mutating func count(_ message: SnapshotMessage) throws(SnapshotError) {
    let length = UInt64(message.blob.count)
    // Where the trailer is not counted it comes at 0 and leaves 0.
    let counted = expectedRemaining >= length ? expectedRemaining - length : 0
    guard message.remaining == counted else {
      throw .miscounted(announced: message.remaining, counted: counted)
    }
    expectedRemaining = counted
  }

  private mutating func acceptDatabase(_ message: SnapshotMessage, of size: UInt64)
    throws(SnapshotError)
  {
    let length = UInt64(message.blob.count)
    guard databaseBytes + length <= size else {
      throw .miscounted(announced: message.remaining, counted: size - databaseBytes)
    }
    unsafe message.blob.withUnsafeBytes { unsafe digest.update($0) }
    databaseBytes += length
  }

  private mutating func acceptTrailer(_ message: SnapshotMessage) throws(SnapshotError) {
    guard let announced = SHA256Digest(Array(message.blob)) else {
      throw .malformedTrailer(byteCount: message.blob.count)
    }
    trailer = announced
  }
}

/// What is known of a snapshot that proved whole.
package struct SnapshotProof: Equatable, Sendable {
  /// Bytes, the 32 of the trailer included.
  package let size: UInt64
  /// Of all those bytes: what `sha256sum` prints for the file.
  package let sha256: SHA256Digest
}
