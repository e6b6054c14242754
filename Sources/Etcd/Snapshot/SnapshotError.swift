// What can go wrong between asking etcd for a snapshot and holding a verified one.

package import HTTP
package import SnapshotFile

package enum SnapshotError: Error, Equatable {
  /// etcd ended the stream with an error of its own.
  case refused(endpoint: Endpoint, message: String)
  /// The connection failed while bytes were still to come.
  case interrupted(received: UInt64, TransferError)
  /// A line of the stream is not what etcd sends.
  case garbled(received: UInt64, excerpt: String)
  case noProgress(received: UInt64, emptyMessages: Int)
  /// The countdown of bytes to come does not fit the bytes that came.
  case miscounted(announced: UInt64, counted: UInt64)
  /// The database's own header and the announced size disagree.
  case wrongSize(announced: UInt64, database: UInt64)
  case malformedTrailer(byteCount: Int)
  /// The bytes that came are not one whole snapshot file.
  case file(SnapshotFileError)
  /// The member at this endpoint cannot give a better one.
  indirect case brokenMember(Endpoint, cause: SnapshotError)
  /// An alarm in the database says that its data are not to be trusted.
  case corrupt(Alarm)
  /// The database is older than what the cluster had acknowledged before the snapshot was asked for.
  case stale(found: UInt64, acknowledged: UInt64)
}

extension SnapshotError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .refused(let endpoint, let message):
      "etcd at \(endpoint) broke the snapshot off: \(message)"
    case .interrupted(let received, let error):
      "the snapshot was interrupted after \(received) bytes: \(error)"
    case .garbled(let received, let excerpt):
      "after \(received) bytes the snapshot stream is not what etcd sends: \(excerpt)"
    case .noProgress(let received, let emptyMessages):
      "the snapshot makes no progress after \(received) bytes: \(emptyMessages) empty messages in a row"
    case .miscounted(let announced, let counted):
      "etcd announced \(announced) bytes still to come where \(counted) are left"
    case .wrongSize(let announced, let database):
      "etcd announced \(announced) bytes, but the database's header says \(database)"
    case .malformedTrailer(let byteCount):
      "the snapshot's trailer has \(byteCount) bytes instead of 32"
    case .file(let error): error.description
    case .brokenMember(let endpoint, let cause):
      "the database of the member at \(endpoint) is broken: \(cause)"
    case .corrupt(let alarm): EtcdError.corrupt(alarm: "\(alarm)").description
    case .stale(let found, let acknowledged):
      "the snapshot ends at revision \(found), but revision \(acknowledged) had been acknowledged before it was asked for"
    }
  }

  /// Whether another member may well have a snapshot that is better.
  package var isMembersOwn: Bool {
    if case .brokenMember = self { true } else { false }
  }

  /// What came through as it was sent, but is no sound database, is the fault of who sent it.
  func blaming(_ endpoint: Endpoint) -> SnapshotError {
    switch self {
    case .file(.unsound), .noProgress: .brokenMember(endpoint, cause: self)
    default: self
    }
  }

  /// Whether a permission must change before retrying can help.
  package var isConfiguration: Bool { refusal?.isConfiguration ?? false }

  /// Older gateways begin the stream, and only then find that etcd refuses it.
  package var refusal: EtcdError? {
    guard case .refused(let endpoint, let message) = self else { return nil }
    return .refused(endpoint: endpoint, call: "maintenance/snapshot", message: message)
  }

  /// Set where the run itself was told to stop.
  package var stopReason: StopReason? {
    guard case .interrupted(_, let error) = self, case .stopped(let reason) = error.kind else {
      return nil
    }
    return reason
  }
}
