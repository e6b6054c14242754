// Downloads a stored backup: to a file that appears only once it is verified, or to standard output.

internal import Digests
internal import HTTP

extension BackupStore {
  /// Where nothing goes wrong, `file` is the whole backup, safe on disk. On an error nothing is there
  /// that was not there before, except after `FileError.notDurable`.
  package func download(
    _ path: BackupPath, to file: String, replacing: Bool
  ) throws -> VerifiedBackup {
    var output = try PartialFile(for: file, replacing: replacing)
    let found = try find(path)
    try output.checkSpace(for: found.details.size)
    logStart(of: found, to: file)
    let verified = try verify(found, "download progresses") { payload in
      try payload.withBytes { bytes throws(FileError) in try output.write(bytes) }
    }
    try output.publish()
    logEnd(of: verified, to: file)
    return verified
  }

  /// The bytes are out before anything is known of them: only a return without an error says that
  /// they were a whole backup.
  package func downloadToStandardOutput(_ path: BackupPath) throws -> VerifiedBackup {
    let output = StandardOutput(deadline)
    let found = try find(path)
    logStart(of: found, to: "standard output")
    let verified = try verify(found, "download progresses") { payload in
      try payload.withBytes { bytes throws(FileError) in try output.write(bytes) }
    }
    logEnd(of: verified, to: "standard output")
    return verified
  }

  private func logStart(of found: FoundBackup, to target: String) {
    log.info(
      "download started",
      [
        "blob.path": "\(found.path)", "snapshot.bytes": found.details.size,
        "etcd.revision": found.details.revision, "file": target,
      ])
  }

  private func logEnd(of verified: VerifiedBackup, to target: String) {
    log.info(
      "backup downloaded and verified",
      [
        "blob.path": "\(verified.path)", "snapshot.bytes": verified.details.size,
        "snapshot.sha256": verified.sha256, "file": target,
        "duration.seconds": verified.duration,
      ])
  }
}
