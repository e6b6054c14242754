// What the ConfigMap says of the last success: one path that always names a verified backup, and facts about it.

internal import HTTP
package import SnapshotFile

package struct Record: Equatable, Sendable {
  package var path: BackupPath
  /// Of the blob, in bytes.
  package var size: Int
  /// Of the whole blob.
  package var sha256: String
  /// `nil` where the blob is the snapshot itself.
  package var encoding: StoredEncoding?
  /// In seconds since 1970; `nil` where nothing protects the blob from deletion.
  package var immutableUntil: Int?
  /// Every write acknowledged up to this revision of the store is in the backup.
  package var revision: UInt64
  /// Without it the cluster may have acknowledged later writes than the member knew of.
  package var hasQuorum: Bool
  package var pages: PageCheck
  /// Seconds since 1970: when the backup was complete.
  package var time: Int
  /// Of the run up to there.
  package var duration: Duration
  package var cluster: ClusterSighting
  /// `nil` where the record could not be asked for it: then what stands there stays.
  package var book: HistoryBook?

  package init(
    path: BackupPath, size: Int, sha256: String, encoding: StoredEncoding? = nil,
    immutableUntil: Int? = nil, revision: UInt64,
    hasQuorum: Bool, pages: PageCheck, time: Int, duration: Duration, cluster: ClusterSighting,
    book: HistoryBook?
  ) {
    self.path = path
    self.size = size
    self.sha256 = sha256
    self.encoding = encoding
    self.immutableUntil = immutableUntil
    self.revision = revision
    self.hasQuorum = hasQuorum
    self.pages = pages
    self.time = time
    self.duration = duration
    self.cluster = cluster
    self.book = book
  }

  /// The key that the restore document and the predecessor name.
  package static let pathKey = "abs-backup-file-path-from-last-success"

  /// Beside the last success: the backup that was last read back from the store and verified whole,
  /// and when.
  package static let verifiedPathKey = "backup-last-verified-path"
  package static let verifiedTimeKey = "backup-last-verified-time"

  /// When a run last found nothing that was written since the last success.
  static let unchangedTimeKey = "backup-unchanged-time"

  static let sizeKey = "backup-size-bytes-from-last-success"
  static let sha256Key = "backup-sha256-from-last-success"
  static let snapshotSizeKey = "backup-snapshot-size-bytes-from-last-success"
  static let revisionKey = "backup-etcd-revision-from-last-success"
  static let quorumKey = "backup-quorum-from-last-success"
  static let pagesKey = "backup-page-check-from-last-success"
  static let clusterKey = "backup-cluster-id-from-last-success"
  static let raftTermKey = "backup-raft-term-from-last-success"
  static let raftIndexKey = "backup-raft-index-from-last-success"

  static let lineageKey = "backup-lineage"
  /// The running history.
  static let historyKey = "backup-history"
  /// All that is known of the running history and of those before it, as JSON.
  static let historiesKey = "backup-histories"
  static let brokeTimeKey = "backup-history-broke-time"
  package static let previousPathKey = "backup-previous-history-path"

  /// Always the same few keys, so the ConfigMap does not grow.
  package var fields: [String: String] {
    // Of a check without a result nothing may stay from the backup before.
    let checked = { (number: (DatabaseReport) -> Int) in
      pages.report.map { String(number($0)) } ?? ""
    }
    let facts = [
      Self.pathKey: "\(path)",
      Self.sizeKey: String(size),
      Self.sha256Key: sha256,
      Self.snapshotSizeKey: String(encoding?.snapshotSize ?? size),
      "backup-snapshot-sha256-from-last-success": encoding?.snapshotSHA256 ?? sha256,
      "backup-encryption-from-last-success": encoding?.encryption ?? StoredEncoding.off,
      "backup-recipients-from-last-success": encoding?.recipientList ?? "",
      "backup-compression-from-last-success": encoding?.compression ?? StoredEncoding.off,
      "backup-immutable-until-from-last-success": immutableUntil.map(Timestamp.format) ?? "",
      Self.revisionKey: String(revision),
      Self.quorumKey: hasQuorum ? "yes" : "no",
      Self.pagesKey: pages.verdict,
      "backup-page-size-bytes-from-last-success": checked(\.pageSize),
      "backup-records-from-last-success": checked(\.totalRecords),
      "backup-key-records-from-last-success": checked(\.keyRecords),
      Self.unchangedTimeKey: "",
      "backup-time-from-last-success": Timestamp.format(time),
      "backup-duration-seconds-from-last-success": duration.secondsText,
      Self.clusterKey: String(cluster.clusterID, radix: 16),
      Self.raftTermKey: String(cluster.position.term),
      Self.raftIndexKey: String(cluster.position.index),
    ]
    return facts.merging(book?.fields ?? [:]) { $1 }
  }
}

extension Duration {
  /// Seconds with three decimals, such as `12.070`.
  package var secondsText: String {
    let milliseconds = wholeMilliseconds
    let fraction = String(1000 + milliseconds % 1000).dropFirst()
    return "\(milliseconds / 1000).\(fraction)"
  }
}

/// What was just written into the ConfigMap is not there any more.
struct LostRecord: OperatorError, Equatable {
  /// `namespace/name`
  let configMap: String
  /// What stands there instead.
  let found: String?

  var description: String {
    "the ConfigMap \(configMap) does not name the backup any more that was just recorded there: "
      + (found.map { "\(Record.pathKey) is \"\($0)\"" } ?? "\(Record.pathKey) is gone")
  }

  var hint: String? {
    "Does something else write or delete this ConfigMap, such as helm or a GitOps controller?"
  }

  var isConfiguration: Bool { false }
  var stopReason: StopReason? { nil }
}
