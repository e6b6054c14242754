// Downloads a stored backup: to a file that appears only once it is verified, or to standard output.

internal import Digests
internal import HTTP

extension BackupStore {
  /// Where nothing goes wrong, `file` is the whole snapshot, safe on disk; with `raw`, the blob as it
  /// is stored. On an error nothing is there that was not there before, except after
  /// `FileError.notDurable`.
  package func download(
    _ path: BackupPath, raw: Bool, with identities: Identities, to file: String, replacing: Bool
  ) throws -> ReadBackup {
    var output = try PartialFile(for: file, replacing: replacing)
    let found = try find(path)
    let size = raw ? found.details.size : found.details.snapshotSize
    try output.checkSpace(for: size)
    logStart(of: found, to: file)
    let backup = try read(
      found, with: identities, "download progresses", handing: raw ? .blob : .snapshot
    ) { bytes throws(FileError) in try output.write(bytes) }
    try output.publish()
    logEnd(of: backup, to: file)
    return backup
  }

  /// The bytes are out before anything is known of them: only a return without an error says that
  /// they were a whole backup.
  package func downloadToStandardOutput(
    _ path: BackupPath, raw: Bool, with identities: Identities
  ) throws -> ReadBackup {
    let output = StandardOutput(deadline)
    let found = try find(path)
    logStart(of: found, to: "standard output")
    let backup = try read(
      found, with: identities, "download progresses", handing: raw ? .blob : .snapshot
    ) { bytes throws(FileError) in try output.write(bytes) }
    logEnd(of: backup, to: "standard output")
    return backup
  }

  private func logStart(of found: FoundBackup, to target: String) {
    log.info(
      "download started",
      [
        "blob.path": "\(found.path)", "snapshot.bytes": found.details.snapshotSize,
        "blob.bytes": found.details.encoding.map { _ in found.details.size },
        "encryption": found.details.encoding?.encryption,
        "compression": found.details.encoding?.compression,
        "etcd.revision": found.details.revision, "file": target,
      ])
  }

  private func logEnd(of backup: ReadBackup, to target: String) {
    switch backup {
    case .whole(let verified):
      log.info(
        "backup downloaded and verified",
        [
          "blob.path": "\(verified.path)", "snapshot.bytes": verified.snapshotSize,
          "snapshot.sha256": verified.snapshotSHA256, "file": target,
          "duration.seconds": verified.duration,
        ])
    case .undecrypted(let stored):
      log.warning(
        "backup downloaded as it is stored, not decrypted",
        [
          "blob.path": "\(stored.path)", "blob.bytes": stored.details.size,
          "blob.sha256": stored.sha256, "file": target, "duration.seconds": stored.duration,
        ])
    }
  }
}
