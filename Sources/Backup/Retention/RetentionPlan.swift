// Which backups go, and why each of the others stays. Pure: reads no clock and deletes nothing.

package import Azure

/// What retention goes by, beside the backups themselves.
package struct RetentionBasis: Equatable, Sendable {
  package let policy: RetentionPolicy
  /// As it is once the newest backup is recorded.
  package let book: HistoryBook
  /// The recorded backup.
  package let recorded: ULID
  /// The backup that was last read back and found whole.
  package let verified: ULID?
  /// The newest backup of the previous history.
  package let previous: ULID?
  /// The id of the cluster, where nothing is recorded. Then only backups that runs without a record
  /// stored under this id are judged.
  package let unrecordedCluster: UInt64?
  /// Why nothing may be deleted; `nil` where the promises alone decide.
  package let hold: RetentionHold?

  package init(
    policy: RetentionPolicy, book: HistoryBook, recorded: ULID, verified: ULID? = nil,
    previous: ULID? = nil, unrecordedCluster: UInt64? = nil, hold: RetentionHold? = nil
  ) {
    self.policy = policy
    self.book = book
    self.recorded = recorded
    self.verified = verified
    self.previous = previous
    self.unrecordedCluster = unrecordedCluster
    self.hold = hold
  }
}

/// A backup that is to go. Of a hundred thousand, thousands are held at once: it is kept small.
package struct Deletion: Equatable, Sendable {
  package let name: ULID
  package let etag: ETag?
  let written: Int
  /// The last second in which it must not go.
  let expiration: Int

  init(_ backup: StoredBackup, _ policy: RetentionPolicy) {
    name = backup.name
    etag = backup.etag
    written = backup.written
    expiration = policy.expiration(of: backup)
  }
}

extension Deletion: Comparable {
  /// Older first, by what the runs wrote.
  package static func < (one: Deletion, other: Deletion) -> Bool {
    (one.written, one.name) < (other.written, other.name)
  }
}

/// Sees every backup of a container once, in any order, and then says which are to go.
///
/// ```swift
/// var plan = RetentionPlan(basis, now: now, mostDeletions: 1000)
/// for backup in backups { plan.consider(backup) }
/// let deletions = plan.expired()
/// ```
///
/// Its memory is bounded however many there are: it keeps the newest `minimumCount` of each known
/// history and one for each period that counts, and the oldest `mostDeletions` of the others. What is above that, a later run deletes.
package struct RetentionPlan {
  private let basis: RetentionBasis
  private let mostDeletions: Int
  private let ended: [ULID: History]
  private let givenUp: Set<ULID>
  /// The earliest of all clocks, in seconds since 1970.
  private var now: Int
  /// For the running history, and for each ended one, what stays of the backups seen so far.
  private var newest: [ULID: NewestBackups] = [:]
  /// The newest backups without a lineage seen so far.
  private var newestUnknown = BoundedHeap<StoredBackup>(by: <)
  /// The oldest expired backups of this lineage that are not among the newest of their history.
  private var oldest = BoundedHeap<Deletion>(by: >)
  /// The same of those without a lineage, apart, since all of them may stay in the end.
  private var oldestUnknown = BoundedHeap<Deletion>(by: >)
  private var firstWritten = Int.max
  private var lastWritten = Int.min
  private var runningCount = 0

  package private(set) var counts = RetentionCounts()
  /// Of the recorded backup, once it was among those considered.
  package private(set) var recordedOrigin: StoredBackup.Origin?

  /// `now` is in seconds since 1970.
  package init(_ basis: RetentionBasis, now: Int, mostDeletions: Int) {
    self.basis = basis
    self.now = now
    self.mostDeletions = mostDeletions
    ended = Dictionary(basis.book.ended.map { ($0.name, $0) }, uniquingKeysWith: { one, _ in one })
    givenUp = Set(basis.book.givenUp.map(\.name))
  }

  /// The earlier clock decides: one that is ahead must not make backups old.
  package mutating func note(clock: Int) {
    now = min(now, clock)
  }

  package mutating func consider(_ backup: StoredBackup) {
    counts.backups += 1
    if basis.policy.isOnlyImmutable(backup, at: now) { counts.immutable += 1 }
    let isOthers = basis.isOthers(backup)
    if backup.name == basis.recorded { recordedOrigin = isOthers ? .unknown : backup.origin }
    if isOthers {
      counts.others += 1
      return
    }
    if backup.oddity != nil {
      counts.odd += 1
      return
    }
    switch backup.origin {
    case .unknown:
      counts.unknown += 1
      let pushedOut = newestUnknown.insert(backup, keeping: basis.policy.minimumCount)
      if let pushedOut { mayGo(pushedOut, in: &oldestUnknown) }
    case .history(_, let lineage) where lineage != basis.book.lineage:
      counts.note(otherLineage: lineage)
    case .history(let history, _):
      consider(backup, of: history)
    }
  }

  private mutating func consider(_ backup: StoredBackup, of history: ULID) {
    let capacity: Int
    var periods = basis.policy.periods
    if history == basis.book.running?.name {
      runningCount += 1
      firstWritten = min(firstWritten, backup.written)
      lastWritten = max(lastWritten, backup.written)
      capacity = basis.policy.minimumCount
    } else if ended[history] != nil {
      capacity = max(basis.policy.minimumCount, 1)
    } else if givenUp.contains(history) {
      capacity = 0
      periods = .none
    } else {
      counts.strayed += 1
      return
    }
    let pushedOut = newest[history, default: NewestBackups()]
      .insert(backup, keeping: capacity, periods)
    for backup in pushedOut { mayGo(backup, in: &oldest) }
  }

  private func mayGo(_ backup: StoredBackup, in heap: inout BoundedHeap<Deletion>) {
    let deletion = Deletion(backup, basis.policy)
    guard keeper(of: backup) == nil, now > deletion.expiration else { return }
    _ = heap.insert(deletion, keeping: mostDeletions)
  }

  /// The backups to delete, oldest first; to be asked once.
  package mutating func expired() -> [Deletion] {
    guard basis.hold == nil else { return [] }
    let rules = conclude()
    // Newer backups of their history pushed these out for good.
    var candidates = oldest.drain()
    if !rules.sawOtherLineage { candidates += oldestUnknown.drain() }
    let now = now
    candidates.removeAll { now <= $0.expiration }
    for backup in newestUnknown.elements + ended.keys.flatMap({ newest[$0]?.all ?? [] })
    where rules.verdict(on: backup) == .goes {
      candidates.append(Deletion(backup, basis.policy))
    }
    candidates.sort()
    candidates.removeLast(max(0, candidates.count - mostDeletions))
    return candidates
  }

  /// What was seen decides on each backup, once all have been considered.
  package func conclude() -> RetentionRules {
    let policy = basis.policy
    var floors: [ULID: RetentionRules.Floor] = [:]
    var keepers: [ULID: NewestBackups] = [:]
    if let running = basis.book.running {
      floors[running.name] = .init(newest[running.name]?.newest, policy.minimumCount)
      keepers[running.name] = newest[running.name]
    }
    for (name, history) in ended {
      let isRecent = history.endTime.map { policy.expiration(ofHistoryEndedAt: $0) >= now } ?? true
      floors[name] = .init(newest[name]?.newest, isRecent ? max(policy.minimumCount, 1) : 1)
      keepers[name] = isRecent ? newest[name] : nil
    }
    // Once our own history could do without them, those without a lineage count as its older ones.
    let isSpanned =
      runningCount >= policy.minimumCount && runningCount > 0
      && .seconds(lastWritten) - .seconds(firstWritten) >= policy.maximumAge
    var unknown = newestUnknown
    if isSpanned, let running = basis.book.running {
      for backup in newest[running.name]?.newest.elements ?? [] {
        _ = unknown.insert(backup, keeping: policy.minimumCount)
      }
    }
    return RetentionRules(
      basis: basis, now: now, floors: floors, keepers: keepers,
      unknownFloor: .init(unknown, policy.minimumCount),
      sawOtherLineage: counts.otherLineage > 0)
  }

  private func keeper(of backup: StoredBackup) -> RetentionReason? {
    basis.keeper(of: backup.name)
  }
}

extension RetentionBasis {
  /// Whether retention must leave the backup alone, whatever else it says of itself. Without a record:
  /// a record may name it, or it is of another cluster. With one: it is of an unknown lineage, but not
  /// the predecessor's.
  func isOthers(_ backup: StoredBackup) -> Bool {
    guard let unrecordedCluster else {
      return backup.unrecordedCluster != nil && backup.origin == .unknown
    }
    return backup.unrecordedCluster != unrecordedCluster || backup.origin == .unknown
  }

  /// Whatever else is the case, these stay.
  func keeper(of name: ULID) -> RetentionReason? {
    switch name {
    case recorded: .recorded
    case verified: .verified
    case previous: .previous
    default: nil
    }
  }
}

/// What a listing had, for the log.
package struct RetentionCounts: Equatable, Sendable {
  /// Everything with the name of a backup.
  package fileprivate(set) var backups = 0
  package fileprivate(set) var odd = 0
  /// Old enough to be deleted, but protected by the policy of their commit.
  package fileprivate(set) var immutable = 0
  /// Stored with a record, or of another cluster, while there is no record.
  package fileprivate(set) var others = 0
  /// Without a lineage.
  package fileprivate(set) var unknown = 0
  /// Of this lineage, but of a history that the record does not know.
  package fileprivate(set) var strayed = 0
  package fileprivate(set) var otherLineage = 0
  /// The first few that were seen.
  package private(set) var otherLineages: Set<ULID> = []

  private static let mostLineages = 8

  fileprivate mutating func note(otherLineage lineage: ULID) {
    otherLineage += 1
    if otherLineages.count < Self.mostLineages { otherLineages.insert(lineage) }
  }
}
