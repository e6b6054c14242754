// Downloads a stored backup: to a file that appears only once it is proven, or to standard output.

internal import Digests
internal import HTTP

extension BackupStore {
  /// Where nothing goes wrong, `file` is the whole backup, safe on disk. On an error nothing is there
  /// that was not there before, except after `FileError.notDurable`.
  package func download(
    _ path: BackupPath, to file: String, replacing: Bool
  ) throws -> ProvenBackup {
    var output = try PartialFile(for: file, replacing: replacing)
    let found = try find(path)
    try output.checkSpace(for: found.details.size)
    logStart(of: found, to: file)
    let proven = try prove(found, "download progresses") { payload in
      try unsafe payload.withBytes { bytes throws(FileError) in try unsafe output.write(bytes) }
    }
    try output.publish()
    logEnd(of: proven, to: file)
    return proven
  }

  /// The bytes are out before anything is known of them: only a return without an error says that
  /// they were a whole backup.
  package func downloadToStandardOutput(_ path: BackupPath) throws -> ProvenBackup {
    let output = StandardOutput(patience)
    let found = try find(path)
    logStart(of: found, to: "standard output")
    let proven = try prove(found, "download progresses") { payload in
      try unsafe payload.withBytes { bytes throws(FileError) in try unsafe output.write(bytes) }
    }
    logEnd(of: proven, to: "standard output")
    return proven
  }

  private func logStart(of found: FoundBackup, to target: String) {
    log.info(
      "download started",
      [
        "blob.path": "\(found.path)", "snapshot.bytes": found.details.size,
        "etcd.revision": found.details.revision, "file": target,
      ])
  }

  private func logEnd(of proven: ProvenBackup, to target: String) {
    log.info(
      "backup downloaded and proven",
      [
        "blob.path": "\(proven.path)", "snapshot.bytes": proven.details.size,
        "snapshot.sha256": proven.sha256, "file": target,
        "duration.seconds": proven.duration,
      ])
  }
}
