// How many backups stay, and for how long.

package struct RetentionPolicy: Equatable, Sendable {
  /// That many newest backups of a history stay, however old they are.
  package let minimumCount: Int
  package let maximumAge: Duration
  /// For how long these backups of an ended history stay; then its newest one.
  package let historyExpiration: Duration
  /// Of a history, the newest backups of so many days, weeks and months stay as well.
  package let periods: KeptPeriods

  package init(
    minimumCount: Int, maximumAge: Duration, historyExpiration: Duration = .seconds(720 * 3600),
    periods: KeptPeriods = .none
  ) {
    self.minimumCount = minimumCount
    self.maximumAge = maximumAge
    self.historyExpiration = historyExpiration
    self.periods = periods
  }

  /// The last second in which a backup is not expired; after it, the backup goes unless something else
  /// keeps it. Both times must be past the maximum age: the one that the run wrote and the store's. So
  /// must be the end of the policy with which it was committed: until then, deleting it fails, or only
  /// hides it.
  func expiration(of backup: StoredBackup) -> Int {
    max(
      expiration(ofBackupWrittenAt: max(backup.written, backup.lastModified)),
      backup.immutableUntil ?? .min)
  }

  /// Whether nothing but the policy of its commit keeps a backup from being old enough.
  func isOnlyImmutable(_ backup: StoredBackup, at now: Int) -> Bool {
    now <= expiration(of: backup)
      && now > expiration(ofBackupWrittenAt: max(backup.written, backup.lastModified))
  }

  /// By its age alone.
  func expiration(ofBackupWrittenAt time: Int) -> Int {
    time.saturatingSum(maximumAge)
  }

  /// The last second in which all of the newest backups of a history that ended then stay.
  func expiration(ofHistoryEndedAt time: Int) -> Int {
    time.saturatingSum(historyExpiration)
  }
}

extension Int {
  fileprivate func saturatingSum(_ duration: Duration) -> Int {
    let (sum, isOver) = addingReportingOverflow(Int(duration.components.seconds))
    return isOver ? .max : sum
  }
}
