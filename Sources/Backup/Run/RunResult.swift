// What a run came to, for the exit status and the termination message.

/// How a run ended.
package enum RunResult {
  case success(Record)
  /// Nothing was written since this backup was recorded, so no other was taken.
  case unchanged(UnchangedBackup)
  /// `path` names what is in the store all the same: a verified backup where the run ends as
  /// `incomplete`, else an unverified blob.
  case failure(RunError, path: BackupPath?)

  package var status: ExitStatus {
    switch self {
    case .success, .unchanged: .success
    case .failure(let error, _): error.status
    }
  }
}
