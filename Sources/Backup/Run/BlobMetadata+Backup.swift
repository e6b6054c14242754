// The source member and the verification results stored with a backup; docs/operations.md lists them.

internal import Azure
internal import Bolt
internal import Digests
internal import Etcd

extension BlobMetadata {
  /// `time` is in seconds since 1970; `book` already counts this backup. The commit adds the
  /// run's id.
  init(
    _ proof: SnapshotProof, revision: UInt64, from member: ChosenMember, at time: Int,
    in book: HistoryBook?
  ) {
    self = [
      "sha256": "\(proof.sha256)",
      "etcdversion": member.status.version,
      "clusterid": String(member.status.clusterID, radix: 16),
      "memberid": String(member.status.memberID, radix: 16),
      "raftterm": "\(member.status.raftTerm)",
      "raftindex": "\(member.status.appliedIndex)",
      "revision": "\(revision)",
      "pagecheck": proof.pages.verdict,
      "quorum": member.hasQuorum ? "yes" : "no",
      "time": Timestamp.format(time),
      "toolversion": Version.current,
    ]
    if let book, let running = book.running {
      self["lineage"] = "\(book.lineage)"
      self["history"] = "\(running.name)"
    }
    if let database = proof.pages.report {
      self["pagesize"] = "\(database.pageSize)"
      self["records"] = "\(database.totalRecords)"
      self["keyrecords"] = "\(database.keyRecords)"
    }
  }
}
