package import SnapshotFile

/// Checks the countdown of Maintenance.Snapshot: each message says how many bytes of the database are
/// still to come.
///
/// A stream is whole only if the countdown begins at the size that the database's own header says, falls
/// by exactly the bytes that come, and is followed by one message of exactly 32 bytes. What the bytes
/// are is the verifier's part.
package struct StreamCountdown {
  /// What the first message announced, before its header was read.
  private var announced: UInt64?
  private var expectedRemaining: UInt64 = 0
  private var emptyMessages = 0

  private static let trailerSize = UInt64(SnapshotLayout.trailerByteCount)
  /// etcd sends none; but a member that cannot read its database sends them without end.
  private static let mostEmptyMessages = 100

  package init() {}

  /// Checks the next message and passes its bytes on. `remaining` is what it says of bytes to come.
  package mutating func pass(
    _ blob: RawSpan, remaining: UInt64, to verifier: inout SnapshotVerifier
  ) throws(SnapshotError) {
    let (received, length) = (verifier.received, UInt64(blob.byteCount))
    guard length > 0 else {
      return try countEmptyMessage(received: received)
    }
    emptyMessages = 0
    if announced == nil {
      begin(length, remaining)
    } else {
      try count(length, remaining, received: received, databaseSize: verifier.databaseSize)
    }
    let knownSize = verifier.databaseSize
    if let knownSize { try checkBounds(of: length, remaining, at: received, in: knownSize) }
    do throws(SnapshotFileError) {
      try verifier.update(blob)
    } catch {
      throw .file(error)
    }
    if knownSize == nil, let size = verifier.databaseSize {
      try checkStart(remaining, received: verifier.received, in: size)
    }
  }

  // MARK: The rules

  private mutating func countEmptyMessage(received: UInt64) throws(SnapshotError) {
    emptyMessages += 1
    guard emptyMessages < Self.mostEmptyMessages else {
      throw .noProgress(received: received, emptyMessages: emptyMessages)
    }
  }

  private mutating func begin(_ length: UInt64, _ remaining: UInt64) {
    let (sum, overflow) = remaining.addingReportingOverflow(length)
    announced = overflow ? .max : sum
    expectedRemaining = remaining
  }

  private mutating func count(
    _ length: UInt64, _ remaining: UInt64, received: UInt64, databaseSize: UInt64?
  ) throws(SnapshotError) {
    if let databaseSize, received > databaseSize {
      throw .file(.excessBytes(byteCount: Int(length)))
    }
    // The trailer is not counted: it comes at 0 and leaves 0.
    let counted = expectedRemaining >= length ? expectedRemaining - length : 0
    guard remaining == counted else {
      throw .miscounted(announced: remaining, counted: counted)
    }
    expectedRemaining = counted
  }

  /// No message holds the end of the database and more; the one behind it is the trailer.
  private func checkBounds(
    of length: UInt64, _ remaining: UInt64, at received: UInt64, in size: UInt64
  ) throws(SnapshotError) {
    if received == size {
      guard length == Self.trailerSize else {
        throw .malformedTrailer(byteCount: Int(length))
      }
    } else if received + length > size {
      throw .miscounted(announced: remaining, counted: size - received)
    }
  }

  /// Once the header is known: what was announced, and what came so far, must fit it.
  ///
  /// etcd leaves the trailer out of its count; a proposed change counts it in.
  private func checkStart(
    _ remaining: UInt64, received: UInt64, in size: UInt64
  ) throws(SnapshotError) {
    guard let announced, announced == size || announced == size + Self.trailerSize else {
      throw .wrongSize(announced: announced ?? 0, database: size)
    }
    guard received <= size else { throw .miscounted(announced: remaining, counted: 0) }
  }
}
