// Decides whether a snapshot is whole: the countdown, the size, the SHA-256 and the database's own header.

internal import Bolt
internal import Digests
internal import FoundationEssentials

/// Fed with one message after another, in order; `finish` gives the proof or says what is missing.
///
/// A snapshot is whole only if every one of these holds: the announced bytes to come fall by
/// exactly the bytes that came; the header's high-water mark times the page size is the number of
/// database bytes; one message of exactly 32 bytes follows, and it is the SHA-256 of the database;
/// nothing follows that; and the size is a multiple of 512 plus 32, by which etcd's restore
/// recognises that a snapshot carries its hash.
package struct SnapshotVerifier: ~Copyable {
  private var prover: SnapshotProver
  private var expectedRemaining: UInt64 = 0
  private var emptyMessages = 0

  private static let trailerSize = UInt64(SHA256Digest.byteCount)
  /// etcd sends none; but a member that cannot read its database sends them for ever.
  private static let mostEmptyMessages = 100

  package init(checkingPages: Bool) {
    prover = SnapshotProver(checkingPages: checkingPages)
  }

  /// Bytes of the snapshot so far, trailer included.
  package var received: UInt64 { prover.received }

  /// What the database's header says; known once the first message has come.
  package var databaseSize: UInt64? { prover.databaseSize }

  package mutating func accept(_ message: SnapshotMessage) throws(SnapshotError) {
    if message.blob.isEmpty {
      emptyMessages += 1
      guard emptyMessages < Self.mostEmptyMessages else {
        throw .noProgress(received: received, emptyMessages: emptyMessages)
      }
      return
    }
    emptyMessages = 0
    if let size = databaseSize {
      guard received <= size else { throw .excessBytes(byteCount: message.blob.count) }
      try count(message)
      try checkBounds(of: message, in: size)
    } else {
      try checkBounds(of: message, in: try readHeader(message))
    }
    try prover.update(message.blob.bytes)
  }

  /// Throws unless the stream, which has ended cleanly, was a whole snapshot.
  package consuming func finish() throws(SnapshotError) -> SnapshotProof {
    try prover.finish()
  }

  // MARK: Parts of a message's way

  /// The first message announces the size of the whole; the database's header must agree.
  private mutating func readHeader(_ message: SnapshotMessage) throws(SnapshotError) -> UInt64 {
    let header = try MetaPage(firstBytes: Array(message.blob.prefix(MetaPage.byteCount)))
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

  /// No message holds the end of the database and more; the one behind it is the trailer.
  private func checkBounds(of message: SnapshotMessage, in size: UInt64) throws(SnapshotError) {
    let length = UInt64(message.blob.count)
    if received == size {
      guard length == Self.trailerSize else {
        throw .malformedTrailer(byteCount: message.blob.count)
      }
    } else if received + length > size {
      throw .miscounted(announced: message.remaining, counted: size - received)
    }
  }
}
