// What retention goes by, read from the record, and what to do where that cannot be.

extension RetentionHold: CustomStringConvertible {
  package var description: String {
    switch self {
    case .alternation: "two clusters seem to write to one record"
    case .unreadable(let reason): "the record cannot be read: \(reason)"
    case .uncheckedPages: "the page check is off"
    }
  }

  package var hint: String {
    switch self {
    case .alternation:
      "Give each cluster a ConfigMap and a blob prefix of its own "
        + "(APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING, APP_BLOB_PREFIX). Retention goes on 7 days after "
        + "the record last changed between clusters."
    case .unreadable:
      "The next backup begins a new lineage, and those of the old one are left alone. Run "
        + "etcd-backup retention to see them, and etcd-backup retention --adopt LINEAGE to take them "
        + "over."
    case .uncheckedPages:
      "Set APP_BACKUP_PAGE_CHECK=on as soon as a member has a sound database."
    }
  }

  static let otherLineageHint =
    "Give each cluster a blob prefix of its own (APP_BLOB_PREFIX). If the record of this cluster was "
    + "lost, run etcd-backup retention --adopt LINEAGE."
}

extension RetentionBasis {
  /// `fields` are the ConfigMap's, and name `recorded`; `now` is in seconds since 1970.
  ///
  /// A `book` that is not what stands there, or a verified backup that cannot be told, holds
  /// everything.
  package init(
    _ policy: RetentionPolicy, _ book: HistoryBook, recorded: BackupPath, fields: [String: String],
    now: Int, hold: RetentionHold? = nil
  ) {
    var hold = hold
    switch RecordedHistories(fields) {
    case .known(book): break
    case .unreadable(let reason, _): hold = hold ?? .unreadable(reason)
    case .known, .none: hold = hold ?? .unreadable("its histories are not those just written")
    }
    if book.isAlternating(at: now) { hold = hold ?? .alternation }
    var verified: BackupPath?
    if let text = fields[Record.verifiedPathKey], !text.isEmpty {
      verified = try? BackupPath(text)
      if verified == nil {
        hold = hold ?? .unreadable("\(Record.verifiedPathKey) is not the path of a backup")
      }
    }
    self.init(
      policy: policy, book: book, recorded: recorded.name,
      verified: Self.name(of: verified, beside: recorded),
      previous: Self.name(of: book.previousPath, beside: recorded), hold: hold)
  }

  /// Where nothing is recorded: `book` was made of the backups themselves, those of this cluster id.
  init(
    unrecorded path: BackupPath, of cluster: ClusterSighting, _ policy: RetentionPolicy,
    _ book: HistoryBook, now: Int
  ) {
    self.init(
      policy: policy, book: book, recorded: path.name,
      previous: Self.name(of: book.previousPath, beside: path),
      unrecordedCluster: cluster.clusterID,
      hold: book.isAlternating(at: now) ? .alternation : nil)
  }

  /// A path in another place names none of the backups that are listed.
  private static func name(of path: BackupPath?, beside other: BackupPath) -> ULID? {
    guard let path, path.container == other.container, path.prefix == other.prefix else {
      return nil
    }
    return path.name
  }
}
