// What becomes of each backup, and why. Pure: reads no clock and deletes nothing.

/// Why retention deletes nothing at all.
package enum RetentionHold: Hashable, Sendable {
  /// Two live clusters write to one record.
  case alternation
  /// The record says something that cannot be used; the text tells what.
  case unreadable(String)
  /// No run looks whether its own database is sound, so an older backup may be the last sound one.
  case uncheckedPages
}

/// Why a backup stays.
package enum RetentionReason: Hashable, Sendable {
  case recorded
  case verified
  case previous
  case odd(StoredBackup.Oddity)
  case otherLineage
  /// Of this lineage, but of a history that the record does not know.
  case strayed
  /// Without a lineage, while backups of another lineage lie beside it.
  case unknownAmongOthers
  /// One of the newest of the running history.
  case newest
  /// The newest of such a period in its history; of an ended one until that time in seconds since 1970.
  case newestOf(Period, until: Int?)
  /// One of the newest without a lineage, while the running history is too short to do without.
  case newestUnknown
  /// One of the newest of an ended history, until that time in seconds since 1970.
  case newestOfEnded(until: Int)
  /// The newest of an ended history.
  case lastOfEnded
  case held(RetentionHold)
}

package enum RetentionVerdict: Hashable, Sendable {
  case stays(RetentionReason)
  /// Goes once it is later than this, in seconds since 1970.
  case goesAfter(Int)
  case goes
}

package struct RetentionRules {
  /// From which backup on those of a group are among its newest.
  enum Floor {
    case everything
    case from(StoredBackup)
    case nothing

    /// `heap` holds at least the newest `count` of the group.
    init(_ heap: BoundedHeap<StoredBackup>?, _ count: Int) {
      let elements = heap?.elements ?? []
      if count == 0 {
        self = .nothing
      } else if elements.count < count {
        self = .everything
      } else if count == 1, let newest = elements.max() {
        self = .from(newest)
      } else if let oldest = elements.min() {
        // A heap never holds more than it was asked to keep: its oldest is the last of the newest.
        self = .from(oldest)
      } else {
        self = .everything
      }
    }

    func holds(_ backup: StoredBackup) -> Bool {
      switch self {
      case .everything: true
      case .from(let oldest): backup >= oldest
      case .nothing: false
      }
    }
  }

  let basis: RetentionBasis
  let now: Int
  let floors: [ULID: Floor]
  /// What the periods keep of the running history, and of each that has not ended long ago.
  let keepers: [ULID: NewestBackups]
  let unknownFloor: Floor
  let sawOtherLineage: Bool

  package func verdict(on backup: StoredBackup) -> RetentionVerdict {
    if let reason = reasonToStay(backup) { return .stays(reason) }
    if let hold = basis.hold { return .stays(.held(hold)) }
    let expiration = basis.policy.expiration(of: backup)
    return now > expiration ? .goes : .goesAfter(expiration)
  }

  private func reasonToStay(_ backup: StoredBackup) -> RetentionReason? {
    if let keeper = basis.keeper(of: backup.name) { return keeper }
    if basis.isOthers(backup) { return .otherLineage }
    if let oddity = backup.oddity { return .odd(oddity) }
    switch backup.origin {
    case .unknown:
      if sawOtherLineage { return .unknownAmongOthers }
      return unknownFloor.holds(backup) ? .newestUnknown : nil
    case .history(_, let lineage) where lineage != basis.book.lineage:
      return .otherLineage
    case .history(let name, _):
      return reasonToStay(backup, of: name)
    }
  }

  private func reasonToStay(_ backup: StoredBackup, of history: ULID) -> RetentionReason? {
    let book = basis.book
    let period = keepers[history]?.period(keeping: backup)
    if history == book.running?.name {
      if floors[history]?.holds(backup) == true { return .newest }
      return period.map { .newestOf($0, until: nil) }
    }
    if let ended = book.ended.first(where: { $0.name == history }) {
      let until = ended.endTime.map(basis.policy.expiration(ofHistoryEndedAt:))
      guard floors[history]?.holds(backup) == true else {
        return period.map { .newestOf($0, until: until) }
      }
      guard let until else { return .lastOfEnded }
      return until >= now ? .newestOfEnded(until: until) : .lastOfEnded
    }
    return book.givenUp.contains { $0.name == history } ? nil : .strayed
  }
}
