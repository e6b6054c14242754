// The histories of stored backups, made anew from what their runs wrote into the blobs' metadata.

internal import Azure

/// Pure: sees every backup once, in any order.
struct StoredHistories {
  /// What it reads of a blob's metadata; a listing need not keep the rest.
  static let metadataNames = StoredBackup.metadataNames.union(["raftterm", "raftindex"])

  /// By lineage, then by history.
  private var lineages: [ULID: [ULID: Sights]] = [:]

  private struct Sights {
    var first: Sight
    var newest: Sight
  }

  private struct Sight {
    let backup: StoredBackup
    let clusterID: UInt64
    let position: RaftPosition
  }

  mutating func consider(_ backup: StoredBackup, _ metadata: BlobMetadata) {
    guard case .history(let history, let lineage) = backup.origin,
      let clusterID = metadata["clusterid"].flatMap({ UInt64($0, radix: 16) }),
      let term = metadata["raftterm"].flatMap({ UInt64($0) }),
      let index = metadata["raftindex"].flatMap({ UInt64($0) })
    else { return }
    let sight = Sight(
      backup: backup, clusterID: clusterID, position: RaftPosition(term: term, index: index))
    var sights = lineages[lineage]?[history] ?? Sights(first: sight, newest: sight)
    if backup < sights.first.backup { sights.first = sight }
    if backup > sights.newest.backup { sights.newest = sight }
    lineages[lineage, default: [:]][history] = sights
  }

  private func histories(of lineage: ULID) -> [History] {
    (lineages[lineage] ?? [:]).map { name, sights in
      History(
        name: name, clusterID: sights.newest.clusterID, first: sights.first.position,
        newest: sights.newest.position, newestBackup: sights.newest.backup.name,
        firstTime: sights.first.backup.written, lastTime: sights.newest.backup.written)
    }
  }

  /// A lineage as a person takes it over. The history of the newest backup runs; the others count as
  /// ended now, since it is unknown when they did. `nil` where there is no backup.
  func adopted(_ lineage: ULID, at now: Int) -> HistoryBook? {
    let known = histories(of: lineage).sorted {
      ($0.lastTime, $0.newestBackup) > ($1.lastTime, $1.newestBackup)
    }
    guard let running = known.first else { return nil }
    return HistoryBook(lineage: lineage, running: running, adopting: known.dropFirst(), at: now)
  }

  /// What a run without a record goes on with: the lineage of the newest backup. `nil` where there is
  /// none. Only backups of one cluster id that such runs stored may have been considered.
  ///
  /// Under one cluster id a history never goes on once another has begun, and it bears the name of
  /// its first backup. So the names tell which one runs, and when each of the others ended, also
  /// where retention has deleted their first backups.
  func continued() -> HistoryBook? {
    let newest = lineages.mapValues { sights in sights.values.map(\.newest.backup).max() }
      .compactMapValues { $0 }.max { $0.value < $1.value }
    guard let lineage = newest?.key else { return nil }
    var book = HistoryBook(lineage: lineage)
    book.givesUpNone = true
    for var history in histories(of: lineage).sorted(by: { $0.name < $1.name }) {
      let begin = Int(history.name.milliseconds / 1000)
      let sighting = ClusterSighting(clusterID: history.clusterID, position: history.first)
      if book.ended.contains(where: { $0.fits(sighting) }) { history.returnTime = begin }
      if var left = book.running {
        left.endTime = max(begin, left.lastTime)
        book.ended.insert(left, at: 0)
      }
      book.running = history
    }
    return book
  }
}
