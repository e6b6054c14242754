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

  /// What an operator can do about it; `nil` where only another attempt helps.
  package var hint: String? {
    switch self {
    case .refused(_, let message) where message.hasSuffix("context deadline exceeded"):
      "is a proxy between this pod and etcd limiting how long a call may take?"
    case .refused: refusal?.hint
    // We broke it off ourselves.
    case .interrupted(_, let error) where stopReason != nil: error.hint
    case .interrupted(_, let error):
      error.hint ?? "did etcd restart, or a proxy between this pod and etcd cut the connection?"
    case .file(.truncated): "is a proxy between this pod and etcd closing long answers?"
    case .garbled: "is a proxy between this pod and etcd changing answers?"
    case .noProgress:
      "etcd cannot read its own database: look for disk errors in its log, and replace the member"
    case .miscounted, .wrongSize, .malformedTrailer, .file(.checksumMismatch), .file(.excessBytes):
      "is a proxy between this pod and etcd changing answers? if it happens again, check the member's disk"
    case .file(.notDatabase): "is the endpoint really etcd v3?"
    case .file(.unsound(let error)): error.hint
    case .brokenMember(_, let cause):
      [cause.hint, "until then leave its URL out of APP_BACKUP_ETCD_ENDPOINTS"]
        .compactMap { $0 }.joined(separator: "; ")
    case .corrupt(let alarm): EtcdError.corrupt(alarm: "\(alarm)").hint
    case .stale:
      "does a load balancer stand before etcd? list the members' own URLs in APP_BACKUP_ETCD_ENDPOINTS"
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

  /// Whether a permission must change before another try can help.
  package var isConfiguration: Bool { refusal?.isConfiguration ?? false }

  /// Older gateways begin the stream, and only then find that etcd refuses it.
  private var refusal: EtcdError? {
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
