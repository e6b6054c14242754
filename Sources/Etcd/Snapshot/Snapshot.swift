internal import HTTP
package import SnapshotFile

/// One snapshot while it comes in: pulled message by message, verified at the end.
///
/// ```swift
/// while try snapshot.advance() {
///   try snapshot.withBytes { try upload.append($0) }
/// }
/// let received = try snapshot.finish()
/// ```
package struct Snapshot: ~Copyable {
  private var messages: SnapshotMessages
  private var countdown = StreamCountdown()
  private var verifier: SnapshotVerifier
  private let endpoint: Endpoint
  private let acknowledged: UInt64

  /// `acknowledged` is the revision that the database must have reached.
  init(
    _ messages: consuming SnapshotMessages, from endpoint: Endpoint, acknowledged: UInt64,
    checkingPages: Bool
  ) {
    self.messages = messages
    self.endpoint = endpoint
    self.acknowledged = acknowledged
    verifier = SnapshotVerifier(checkingPages: checkingPages)
  }

  /// Bytes so far.
  package var received: UInt64 { verifier.received }

  /// Bytes of the whole snapshot, trailer included; known once its first 80 bytes have come.
  package var expected: UInt64? { verifier.expected }

  /// Waits for the next bytes of the snapshot file; `false` once the stream has ended cleanly. Whether
  /// it was a whole snapshot only `finish` can say.
  package mutating func advance() throws(SnapshotError) -> Bool {
    while try messages.advance(received: verifier.received) {
      let before = verifier.received
      do throws(SnapshotError) {
        try messages.withBlob { blob throws(SnapshotError) in
          try countdown.pass(blob, remaining: messages.remaining, to: &verifier)
        }
      } catch {
        throw error.blaming(endpoint)
      }
      if verifier.received > before { return true }
    }
    return false
  }

  /// Passes the bytes that `advance` has brought, without copying them.
  package func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try messages.withBlob(body)
  }

  /// Throws unless all that came was a whole snapshot, and one worth keeping.
  ///
  /// etcd 3.3 reports a CORRUPT alarm only in its database. A backup that was stored before is not
  /// judged by it: it may be all that is left to restore.
  package consuming func finish() throws(SnapshotError) -> ReceivedSnapshot {
    let file: VerifiedSnapshot
    do throws(SnapshotFileError) {
      file = try verifier.finish()
    } catch {
      throw SnapshotError.file(error).blaming(endpoint)
    }
    if let alarm = file.pages.report?.corruptAlarm { throw .corrupt(alarm) }
    return ReceivedSnapshot(
      file: file, revision: try revision(of: file, acknowledged: acknowledged))
  }
}

/// A snapshot that came in whole.
package struct ReceivedSnapshot: Equatable, Sendable {
  package let file: VerifiedSnapshot
  /// The revision up to which it holds every write.
  package let revision: UInt64
}

/// The revision in the bytes must have reached what was acknowledged before the snapshot was asked for:
/// so, whatever stood between, no acknowledged write is missing. Where the pages were not judged there
/// is only etcd's word.
private func revision(
  of file: VerifiedSnapshot, acknowledged: UInt64
) throws(SnapshotError) -> UInt64 {
  guard let database = file.pages.report else { return acknowledged }
  let found = max(database.revision, 1)  // a store without any record is at revision 1
  guard found >= acknowledged else { throw .stale(found: found, acknowledged: acknowledged) }
  return found
}
