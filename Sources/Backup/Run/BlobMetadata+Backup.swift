// The source member and the verification results stored with a backup; docs/operations.md lists them.

internal import Azure
internal import Digests
internal import Etcd
internal import SnapshotFile

extension BlobMetadata {
  /// `sha256` is that of the blob, and `encoding` is `nil` where the blob is the snapshot itself;
  /// `time` is in seconds since 1970; `book` already counts this backup. The commit adds the run's id.
  init(
    _ snapshot: ReceivedSnapshot, from member: ChosenMember, sha256: SHA256Digest,
    encoding: StoredEncoding?, _ options: CommitOptions, at time: Int, in book: HistoryBook?,
    isRecorded: Bool
  ) {
    self = [
      "sha256": "\(sha256)",
      "etcdversion": member.status.version,
      "clusterid": String(member.status.clusterID, radix: 16),
      "memberid": String(member.status.memberID, radix: 16),
      "raftterm": "\(member.status.raftTerm)",
      "raftindex": "\(member.status.appliedIndex)",
      "revision": "\(snapshot.revision)",
      "pagecheck": snapshot.file.pages.verdict,
      "quorum": member.hasQuorum ? "yes" : "no",
      "time": Timestamp.format(time),
      "toolversion": Version.current,
      "record": isRecorded ? StoredBackup.recordedInConfigMap : StoredBackup.noRecord,
    ]
    encoding?.note(in: &self)
    if let immutability = options.immutability {
      self["immutability"] = immutability.mode.rawValue.lowercased()
      self[StoredBackup.immutableUntilName] = Timestamp.format(immutability.until)
    }
    if let book, let running = book.running {
      self["lineage"] = "\(book.lineage)"
      self["history"] = "\(running.name)"
    }
    if let database = snapshot.file.pages.report {
      self["pagesize"] = "\(database.pageSize)"
      self["records"] = "\(database.totalRecords)"
      self["keyrecords"] = "\(database.keyRecords)"
    }
  }
}
