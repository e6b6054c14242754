// What the coming runs will do to the backups that are stored now, told before it happens. Pure: reads no clock.

/// A run stores its own backup, records it, and only then deletes: so there is one more that is newer
/// than all of these, and the one that is recorded now will not be any more.
package struct RetentionForecast {
  private let rules: RetentionRules
  package let counts: RetentionCounts
  /// As it is now; that of a lineage to come where there is no record.
  package let book: HistoryBook
  /// Why the next run deletes nothing; `nil` where the promises alone decide.
  package var hold: RetentionHold? { rules.basis.hold }

  /// `fields` are the ConfigMap's, `nil` where there is none; `next` is where a run would store a
  /// backup at `now`, in seconds since 1970.
  package init(
    _ policy: RetentionPolicy, fields: [String: String]?, of backups: [StoredBackup],
    next: BackupPath, checkingPages: Bool, now: Int
  ) {
    let histories = RecordedHistories(fields)
    book = histories.book
    var expected = book
    // The next run is expected to find the cluster of the last one.
    let cluster = book.running.map { ClusterSighting(clusterID: $0.clusterID, position: $0.newest) }
    _ = expected.note(
      next, of: cluster ?? ClusterSighting(clusterID: 0, position: RaftPosition(term: 0, index: 0)),
      at: now)
    var hold: RetentionHold? = checkingPages ? nil : .uncheckedPages
    if case .unreadable(let reason, _) = histories { hold = hold ?? .unreadable(reason) }
    let basis = RetentionBasis(
      policy, expected, recorded: next,
      fields: expected.fields.merging(
        fields?.filter { $0.key == Record.verifiedPathKey } ?? [:]
      ) { $1 },
      now: now, hold: hold)
    var plan = RetentionPlan(basis, now: now, mostDeletions: 0)
    for backup in backups { plan.consider(backup) }
    counts = plan.counts
    if let running = expected.running {
      plan.consider(
        StoredBackup(
          name: next.name, written: now, lastModified: now, etag: nil,
          origin: .history(running.name, lineage: expected.lineage)))
    }
    rules = plan.conclude()
  }

  package func verdict(on backup: StoredBackup) -> RetentionVerdict {
    rules.verdict(on: backup)
  }
}
