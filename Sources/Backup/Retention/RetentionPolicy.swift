// How many backups stay, and for how long.

package struct RetentionPolicy: Equatable, Sendable {
  /// That many newest backups of a history stay, however old they are.
  package let minimumCount: Int
  package let maximumAge: Duration
  /// For how long that many backups of an ended history stay; then its newest one.
  package let historyExpiration: Duration

  package init(
    minimumCount: Int, maximumAge: Duration, historyExpiration: Duration = .seconds(720 * 3600)
  ) {
    self.minimumCount = minimumCount
    self.maximumAge = maximumAge
    self.historyExpiration = historyExpiration
  }

  /// Whether a backup is so old that it goes unless something else keeps it; `now` is in seconds
  /// since 1970. Both times must be past the expiration: the one that the run wrote and the store's.
  func isExpired(_ backup: StoredBackup, at now: Int) -> Bool {
    isExpired(backup.written, backup.lastModified, at: now)
  }

  func isExpired(_ written: Int, _ lastModified: Int, at now: Int) -> Bool {
    Duration.seconds(now) - .seconds(max(written, lastModified)) > maximumAge
  }

  /// The last second in which a backup is not expired.
  func expiration(of backup: StoredBackup) -> Int {
    max(backup.written, backup.lastModified).saturatingSum(maximumAge)
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
