/// Reads stored backups back, without using disk, and notes in the ConfigMap which was last proven whole.

internal import AzureBlob
internal import Digests
internal import HTTP
internal import Kubernetes
internal import Logging

extension BackupStore {
  /// Reads one backup and proves it whole.
  package func verify(_ path: BackupPath) throws -> ProvenBackup {
    let proven = try prove(try find(path), "verification progresses")
    log.info(
      "backup proven",
      [
        "blob.path": "\(path)", "snapshot.bytes": "\(proven.details.size)",
        "snapshot.sha256": proven.sha256, "duration.seconds": proven.duration.secondsText,
      ])
    return proven
  }

  /// Notes in the record that this backup was read back and found whole at this time, in seconds
  /// since 1970.
  package func recordVerification(of path: BackupPath, at time: Int) throws {
    guard let name = configuration.recordConfigMapName else {
      preconditionFailure("a verification is recorded only where a ConfigMap is configured")
    }
    try cluster.record(
      [
        Record.verifiedPathKey: "\(path)",
        Record.verifiedTimeKey: Timestamp.format(time),
      ], inConfigMap: name)
    log.info(
      "verification recorded",
      ["blob.path": "\(path)", "configmap": "\(configuration.namespace)/\(name)"])
  }
}
