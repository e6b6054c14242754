// What to do where a snapshot did not come, or is none.

package import Etcd
internal import HTTP
internal import SnapshotFile

extension SnapshotError {
  /// `nil` where only another attempt helps.
  package var hint: String? {
    switch self {
    case .refused(_, let message) where message.hasSuffix("context deadline exceeded"):
      "Does a proxy between this pod and etcd limit how long a call may take?"
    case .refused: refusal?.hint
    // We broke it off ourselves.
    case .interrupted(_, let error) where stopReason != nil: error.hint
    case .interrupted(_, let error):
      error.hint ?? "Did etcd restart, or did a proxy between this pod and etcd cut the connection?"
    case .file(.truncated): "Does a proxy between this pod and etcd close long responses?"
    case .garbled: "Does a proxy between this pod and etcd change responses?"
    case .noProgress:
      "Look for disk errors in etcd's log, and replace the member: it cannot read its own database."
    case .miscounted, .wrongSize, .malformedTrailer, .file(.checksumMismatch), .file(.excessBytes):
      "Does a proxy between this pod and etcd change responses? If it happens again, check the "
        + "member's disk."
    case .file(.notDatabase): "Is the endpoint really etcd v3?"
    case .file(.unsound(let error)): error.hint
    case .brokenMember(_, let cause):
      [cause.hint, "Until then leave its URL out of APP_BACKUP_ETCD_ENDPOINTS."]
        .compactMap { $0 }.joined(separator: " ")
    case .corrupt(let alarm): EtcdError.corrupt(alarm: "\(alarm)").hint
    case .stale:
      "Does a load balancer stand in front of etcd? List the members' own URLs in "
        + "APP_BACKUP_ETCD_ENDPOINTS."
    }
  }
}
