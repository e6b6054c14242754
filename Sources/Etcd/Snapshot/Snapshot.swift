// One snapshot while it comes in: pulled piece by piece, proven at the end.

internal import Bolt
internal import Digests
package import FoundationEssentials
internal import HTTP

package struct Snapshot: ~Copyable {
  private var messages: SnapshotMessages
  private var verifier: SnapshotVerifier
  private let endpoint: Endpoint

  init(
    _ messages: consuming SnapshotMessages, from endpoint: Endpoint, checkingPages: Bool
  ) {
    self.messages = messages
    self.endpoint = endpoint
    verifier = SnapshotVerifier(checkingPages: checkingPages)
  }

  /// Bytes so far.
  package var received: UInt64 { verifier.received }

  /// Bytes of the whole snapshot, trailer included; known once the first piece has come.
  package var expected: UInt64? {
    verifier.databaseSize.map { $0 + UInt64(SHA256Digest.byteCount) }
  }

  /// The next bytes of the snapshot file, or `nil` once the stream has ended cleanly; that it was
  /// a whole snapshot only `finish` can say.
  package mutating func next() throws(SnapshotError) -> Data? {
    while let message = try messages.next(received: verifier.received) {
      do throws(SnapshotError) {
        try verifier.accept(message)
      } catch {
        throw error.blaming(endpoint)
      }
      if !message.blob.isEmpty { return message.blob }
    }
    return nil
  }

  /// Throws unless all that came was a whole snapshot, and one worth keeping: etcd 3.3 tells of a
  /// CORRUPT alarm nowhere else. One that was stored in spite of it may be all there is to restore.
  package consuming func finish() throws(SnapshotError) -> SnapshotProof {
    let proof: SnapshotProof
    do throws(SnapshotError) {
      proof = try verifier.finish()
    } catch {
      throw error.blaming(endpoint)
    }
    if let alarm = proof.pages.report?.corruptAlarm { throw .corrupt(alarm) }
    return proof
  }
}
