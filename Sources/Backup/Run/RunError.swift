// A failure as an operator meets it: in which stage, what happened, what to do, and the exit status.

package import Azure
package import Etcd
internal import Hints
package import HTTP
package import Kubernetes

/// The stages of a run, in order; their names stand in the log and in the termination message.
package enum Stage: String, Sendable, Comparable, CaseIterable {
  case configuration
  case secrets
  case container
  case member
  case snapshot
  case commit
  case check
  case record
  case retention

  package static func < (one: Stage, other: Stage) -> Bool {
    allCases.prefix { $0 != other }.contains(one)
  }
}

extension Stage {
  /// What to do where the error itself tells of nothing that could be mended.
  fileprivate var hintOfAnotherAttempt: String {
    switch self {
    case .configuration, .secrets, .container, .member, .snapshot, .commit, .check:
      "Wait for the next run. If it fails in the same way, look at the server that the error names."
    case .record: "Run etcd-backup verify --record, or wait for the next run, which records again."
    case .retention: "Wait for the next run, which deletes again."
    }
  }
}

/// What scripts and Jobs may depend on; README documents them.
package enum ExitStatus: Int32, Sendable, CaseIterable {
  case success = 0
  case failed = 1
  case incomplete = 2
  case undecrypted = 3
  case usage = 64
  case configuration = 78
  case terminated = 143

  /// Whether a run can end with it; the others are those of other commands.
  package var isOfRun: Bool { self != .undecrypted }

  package var meaning: String {
    switch self {
    case .success: "backup stored, verified and recorded; retention applied"
    case .failed: "no backup stored, or not confirmed; retrying may help"
    case .incomplete: "backup stored and verified, but recording it or retention failed"
    case .undecrypted:
      "the stored bytes are whole, but nothing decrypts them: the database was not verified"
    case .usage: "wrong command line"
    case .configuration: "configuration or permission is wrong; retrying cannot help"
    case .terminated: "stopped by a signal before the commit; nothing is visible"
    }
  }
}

/// An error that can say what to do about it.
package protocol OperatorError: Error, CustomStringConvertible {
  /// `nil` where only another attempt helps.
  var hint: String? { get }
  /// Retrying does not help before the configuration or a permission changes.
  var isConfiguration: Bool { get }
  /// Set where nothing went wrong but that the run was told to stop.
  var stopReason: StopReason? { get }
}

extension OperatorError {
  /// Where no backup has been stored, or none was to be.
  package var status: ExitStatus {
    if stopReason == .terminated { return .terminated }
    return isConfiguration ? .configuration : .failed
  }
}

extension EtcdError: OperatorError {}
extension AzureError: OperatorError {}
extension KubernetesError: OperatorError {}
extension SnapshotError: OperatorError {}

package struct RunError: Error {
  package let stage: Stage
  /// What failed, on what, and why.
  package let cause: String
  package let hint: String?
  package let status: ExitStatus
}

extension RunError: CustomStringConvertible {
  package var description: String { cause }

  package init(_ error: any Error, in stage: Stage) {
    self.stage = stage
    guard let error = error as? any OperatorError else {
      cause = "\(error)"
      hint = stage.hintOfAnotherAttempt
      status = stage < .record ? .failed : .incomplete
      return
    }
    cause = error.description
    // A signal is no fault that could be mended.
    hint = error.status == .terminated ? nil : error.hint ?? stage.hintOfAnotherAttempt
    status = stage >= .record ? .incomplete : error.status
  }
}

/// The members' databases are broken, or those of all that can be asked.
struct NoSoundMember: OperatorError, Equatable {
  let last: SnapshotError

  var description: String { "\(last); no other member can be asked" }

  var hint: String? {
    "Is the member's disk or memory failing? Keep the older backups: etcd-backup list shows them. "
      + "Where no member has a sound database, APP_BACKUP_PAGE_CHECK=off stores this one all the same."
  }

  var isConfiguration: Bool { false }
  var stopReason: StopReason? { nil }
}
