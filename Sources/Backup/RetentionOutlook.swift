/// What retention will make of the backups that are stored now, told before it happens. Pure: reads no clock.

package enum RetentionOutlook: Equatable, Sendable {
  /// Among the newest few, also once the next backup is stored; newer ones may push it out later.
  case kept
  /// The next run that stores a backup deletes it.
  case deletedByNextRun
  /// The first run later than this, in seconds since 1970, deletes it.
  case deletedAfter(Int)
}

extension StoreConfiguration {
  /// For each of these backups, given newest first, what the coming runs will do to it; `nil` where
  /// retention is not configured. Runs that do not check the pages delete nothing.
  func outlook(of backups: [StoredBackup], at now: Int) -> [RetentionOutlook]? {
    guard let retention else { return nil }
    return checksPages ? retention.outlook(of: backups, at: now) : backups.map { _ in .kept }
  }
}

extension RetentionPolicy {
  /// For each of these backups, given newest first, what the coming runs will do to it.
  ///
  /// A run stores its own backup, records it, and only then deletes: so there is one more that is
  /// newer than all of these, and the one that is recorded now will not be any more.
  package func outlook(of backups: [StoredBackup], at now: Int) -> [RetentionOutlook] {
    backups.enumerated().map { position, backup in
      if position + 1 < minimumCount { return .kept }
      if isExpired(backup, at: now) { return .deletedByNextRun }
      return .deletedAfter(backup.lastModified + Int(maximumAge.components.seconds))
    }
  }
}
