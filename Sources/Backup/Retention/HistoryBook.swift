// The histories of one lineage as the record keeps them, and what a new backup makes of them.

/// What a lineage consists of: the running history, and those that ended.
///
/// ```swift
/// let turn = book.note(path, of: sighting, at: now)  // a history begins, goes on, breaks or resumes
/// fields.merge(book.fields) { $1 }
/// ```
///
/// Pure: reads no clock and asks no server.
package struct HistoryBook: Equatable, Sendable {
  /// Sets the backups that follow one record apart from all others.
  package let lineage: ULID
  /// `nil` until a backup of this lineage is recorded.
  package internal(set) var running: History?
  /// The latest to end first; at most `mostEnded`.
  package internal(set) var ended: [History] = []
  /// Ended histories for which there was no room: their expired backups are deleted. The latest to
  /// be given up first; at most `mostGivenUp`.
  package internal(set) var givenUp: [History] = []
  /// When the running history took the place of another one; `nil` where it never did.
  package internal(set) var brokeTime: Int?
  /// The newest backup of the history before the running one.
  package internal(set) var previousPath: BackupPath?

  /// Set where the backups themselves keep the book, which so has no bound.
  var givesUpNone = false

  package static let mostEnded = 16
  static let mostGivenUp = 16

  package init(
    lineage: ULID, running: History? = nil, ended: [History] = [], givenUp: [History] = []
  ) {
    self.lineage = lineage
    self.running = running
    self.ended = ended
    self.givenUp = givenUp
  }

  /// What a backup is to the histories known before it.
  package enum Turn: Equatable, Sendable {
    /// The first of its lineage.
    case begins
    case continues
    /// The cluster is not the one of the last backup; a new history begins.
    case breaks(ended: History)
    /// The cluster is one that was seen before; its history goes on.
    case resumes(ended: History)
  }

  /// Notes a backup taken at `time`, in seconds since 1970.
  package mutating func note(_ backup: BackupPath, of cluster: ClusterSighting, at time: Int)
    -> Turn
  {
    guard var left = running else {
      running = History(backup, of: cluster, at: time)
      return .begins
    }
    if left.fits(cluster) {
      left.extend(with: backup.name, of: cluster, at: time)
      running = left
      return .continues
    }
    left.endTime = time
    // The container and the prefix may have been changed since; a path that cannot be made cannot
    // be looked for either.
    previousPath = try? BackupPath(
      container: backup.container, prefix: backup.prefix, name: left.newestBackup)
    brokeTime = time
    let known = ended.firstIndex { $0.fits(cluster) }
    // A log that went back under the same cluster id may have been wiped and have grown past an old
    // history since. Joined to that one, its backups would push out the older, perhaps good ones.
    let isSure = left.clusterID != cluster.clusterID
    let turn: Turn
    if let known, isSure {
      var resumed = ended.remove(at: known)
      resumed.endTime = nil
      resumed.returnTime = time
      resumed.extend(with: backup.name, of: cluster, at: time)
      running = resumed
      turn = .resumes(ended: left)
    } else {
      var begun = History(backup, of: cluster, at: time)
      if known != nil { begun.returnTime = time }
      running = begun
      turn = .breaks(ended: left)
    }
    ended.insert(left, at: 0)
    giveUpBeyondBound()
    return turn
  }

  /// Of the ended histories beyond the bound, those of the shortest span are given up, the older of
  /// two that are equally short.
  private mutating func giveUpBeyondBound() {
    guard !givesUpNone else { return }
    while ended.count > Self.mostEnded {
      guard let shortest = ended.indices.min(by: { (ended[$0].span, -$0) < (ended[$1].span, -$1) })
      else { return }
      givenUp.insert(ended.remove(at: shortest), at: 0)
    }
    givenUp = Array(givenUp.prefix(Self.mostGivenUp))
  }

  // MARK: What a person decides

  /// A lineage that is taken over, with ended histories, the latest first.
  init(lineage: ULID, running: History, adopting ended: some Sequence<History>, at time: Int) {
    self.init(
      lineage: lineage, running: running,
      ended: ended.map { history in
        var history = history
        history.endTime = max(time, history.lastTime)
        return history
      })
    giveUpBeyondBound()
  }

  /// Takes an ended history out; returns whether anything has changed. Where it is the previous one,
  /// the break is settled.
  mutating func forget(_ name: ULID) -> Bool {
    let before = self
    if let previousPath,
      (ended + givenUp).contains(where: {
        $0.name == name && $0.newestBackup == previousPath.name
      })
    {
      self.previousPath = nil
      brokeTime = nil
    }
    ended.removeAll { $0.name == name }
    givenUp.removeAll { $0.name == name }
    return self != before
  }

  // MARK: Two clusters on one record

  private static let day = 86_400
  /// For how long after its last sign an alternation is assumed to go on.
  private static let alternationMemory = 7 * day
  private static let longestAlternation = 30 * day

  /// Whether the backups of two live clusters seem to take turns: A, B, A, B. One way back (A, B, A)
  /// is what `restore.sh --undo` does.
  package func isAlternating(at now: Int) -> Bool {
    guard let running, let left = ended.first, now - running.startTime <= Self.alternationMemory
    else { return false }
    if let again = running.returnTime, let before = left.returnTime {
      return again - before <= Self.longestAlternation
    }
    // Under the same cluster id, the higher log seems to continue the history of the lower one, and
    // each backup of the lower one begins another.
    guard ended.count > 1 else { return false }
    let before = ended[1]
    return running.clusterID == left.clusterID && left.clusterID == before.clusterID
      && running.startTime - left.firstTime <= Self.alternationMemory
      && running.first.reaches(left.first) && left.newest.reaches(before.newest)
  }
}

extension History {
  fileprivate init(_ backup: BackupPath, of cluster: ClusterSighting, at time: Int) {
    self.init(
      name: backup.name, clusterID: cluster.clusterID, first: cluster.position,
      newest: cluster.position, newestBackup: backup.name, firstTime: time, lastTime: time)
  }
}
