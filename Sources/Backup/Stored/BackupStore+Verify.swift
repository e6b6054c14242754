// Reads stored backups back, without using disk, and notes in the ConfigMap which was last verified whole.

internal import Azure
internal import Digests
internal import HTTP
internal import Kubernetes

/// What reading one backup back has shown.
package struct Verification {
  package let path: BackupPath
  /// Where it failed, the backup is damaged, gone, or could not be read.
  package let result: Result<ReadBackup, CommandError>
}

extension BackupStore {
  /// Reads one backup and says whether it is whole.
  ///
  /// Throws where that cannot be said of this backup alone: the run must stop, or the way to the
  /// store is wrong and would be for every other as well.
  package func verify(_ path: BackupPath, with identities: Identities) throws -> Verification {
    do {
      let backup = try read(try find(path), with: identities, "verification progresses")
      switch backup {
      case .whole(let verified):
        log.info(
          "backup verified",
          [
            "blob.path": "\(path)", "snapshot.bytes": verified.snapshotSize,
            "snapshot.sha256": verified.snapshotSHA256, "duration.seconds": verified.duration,
          ])
      case .undecrypted(let undecrypted):
        log.warning(
          "backup read, but not decrypted",
          [
            "blob.path": "\(path)", "blob.bytes": undecrypted.details.size,
            "blob.sha256": undecrypted.sha256, "duration.seconds": undecrypted.duration,
            "error": undecrypted.error.cause, "hint": undecrypted.error.hint,
          ])
      }
      return Verification(path: path, result: .success(backup))
    } catch let error as any OperatorError where error.stopReason == nil && !error.isConfiguration {
      log.error(
        "backup not verified",
        ["blob.path": "\(path)", "error": error.description, "hint": error.hint])
      return Verification(path: path, result: .failure(CommandError(error)))
    }
  }

  /// Notes in the record that this backup was read back and found whole at this time, in seconds
  /// since 1970.
  package func recordVerification(of path: BackupPath, at time: Int) throws {
    guard let record else {
      preconditionFailure("a verification is recorded only where a ConfigMap is configured")
    }
    try record.write([
      Record.verifiedPathKey: "\(path)", Record.verifiedTimeKey: Timestamp.format(time),
    ])
    log.info(
      "verification recorded", ["blob.path": "\(path)", "configmap": "\(record.name)"])
  }
}
