// One message of a snapshot, as tests compare it.

import Etcd
import Foundation
import SnapshotFile

struct SnapshotMessage: Equatable {
  /// A part of the database, or its SHA-256.
  let blob: Data
  /// Bytes of the database still to come after this message.
  let remaining: UInt64
}

extension SnapshotDecoder {
  /// The next message, copied, or `nil` where `advance` says that there is none.
  mutating func next() throws(DecodingFault) -> SnapshotMessage? {
    guard try advance() else { return nil }
    let blob = withBlob { unsafe $0.withUnsafeBytes { unsafe Data($0) } }
    return SnapshotMessage(blob: blob, remaining: remaining)
  }
}

extension StreamCountdown {
  mutating func pass(
    _ message: SnapshotMessage, to verifier: inout SnapshotVerifier
  ) throws(SnapshotError) {
    try pass(message.blob.bytes, remaining: message.remaining, to: &verifier)
  }
}
