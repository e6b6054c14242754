// Retention without a record: the histories come from the backups, and only such backups are deleted.

@testable import Azure
@testable import Backup
import Testing
import TestSupport

/// Random worlds of runs without a record, of runs with one, and of the predecessor's blobs, on one prefix.
private struct UnrecordedWorld {
  struct Cluster {
    let id: UInt64
    var index: UInt64
    /// What tells it from every other one; no metadata hold it.
    let life: Int
  }

  struct Blob {
    let backup: StoredBackup
    let metadata: BlobMetadata
    let life: Int
  }

  private static let day = RetentionFixture.day
  private var random: SeededRandom
  private var now = RetentionFixture.now
  private var clusters: [Cluster] = []
  private var blobs: [ULID: Blob] = [:]
  private var lives = 0
  private var number = 0
  private(set) var deletions = 0

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    for _ in 0..<Int.random(in: 1...2, using: &random) { clusters.append(begin(id: nil)) }
    // What a run without a record must never touch.
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      add(origin: .unknown, cluster: nil, BlobMetadata(), life: 0)
      let lineage = RetentionFixture.lineage
      add(origin: .history(lineage, lineage: lineage), cluster: nil, BlobMetadata(), life: 0)
      add(origin: .unknown, cluster: clusters[0].id, BlobMetadata(), life: 0)
    }
  }

  private mutating func begin(id: UInt64?) -> Cluster {
    lives += 1
    return Cluster(
      id: id ?? .random(in: 1...2, using: &random), index: .random(in: 4...40, using: &random),
      life: lives)
  }

  @discardableResult private mutating func add(
    origin: StoredBackup.Origin, cluster: UInt64?, _ metadata: BlobMetadata, life: Int,
    age: Int = 500
  ) -> StoredBackup {
    number += 1
    let time = now - age * Self.day
    let backup = StoredBackup(
      name: RetentionFixture.name(number, at: time), written: time, lastModified: time, etag: nil,
      origin: origin, unrecordedCluster: cluster)
    blobs[backup.name] = Blob(backup: backup, metadata: metadata, life: life)
    return backup
  }

  mutating func live() throws -> String? {
    for _ in 0..<30 {
      now += .random(in: 1...2 * Self.day, using: &random)
      let index = Int.random(in: clusters.indices, using: &random)
      if Int.random(in: 0..<8, using: &random) == 0 {
        clusters[index] = begin(id: clusters[index].id)  // wiped
      }
      if let fault = try run(index) { return fault }
    }
    return nil
  }

  /// One run, as BackupRun does it.
  private mutating func run(_ index: Int) throws -> String? {
    clusters[index].index += .random(in: 1...20, using: &random)
    let cluster = clusters[index]
    let sighting = RetentionFixture.cluster(cluster.id, 2, cluster.index)
    var histories = StoredHistories()
    for blob in blobs.values.shuffled(using: &random)
    where blob.backup.unrecordedCluster == cluster.id {
      histories.consider(blob.backup, blob.metadata)
    }
    var book = RecordedHistories(histories.continued()).book
    let path = try RetentionFixture.path(RetentionFixture.name(number + 1, at: now))
    let turn = book.note(path, of: sighting, at: now)
    guard let running = book.running else { return "no history runs" }
    let stored = add(
      origin: .history(running.name, lineage: book.lineage), cluster: cluster.id,
      [
        "clusterid": String(cluster.id, radix: 16), "raftterm": "2",
        "raftindex": "\(cluster.index)",
      ], life: cluster.life, age: 0)
    if case .breaks(let ended) = turn, blobs[ended.newestBackup] == nil {
      return "the last backup of an ended history was gone already"
    }
    let policy = RetentionPolicy(
      minimumCount: .random(in: 0...3, using: &random),
      maximumAge: .seconds(.random(in: 0...4, using: &random) * Self.day),
      historyExpiration: .seconds(.random(in: 0...6, using: &random) * Self.day))
    let basis = RetentionBasis(unrecorded: path, of: sighting, policy, book, now: now)
    var plan = RetentionPlan(basis, now: now, mostDeletions: 5000)
    for blob in blobs.values.shuffled(using: &random) { plan.consider(blob.backup) }
    for gone in plan.expired() {
      guard let blob = blobs.removeValue(forKey: gone.name) else { return "deleted twice" }
      deletions += 1
      if let fault = fault(in: blob, stored, policy) { return fault }
    }
    return nil
  }

  /// What must hold of a deletion, whatever the books say.
  private func fault(in gone: Blob, _ stored: StoredBackup, _ policy: RetentionPolicy) -> String? {
    guard gone.backup.unrecordedCluster == stored.unrecordedCluster, gone.life != 0 else {
      return "deleted what is not of such runs, or of another cluster id"
    }
    guard .seconds(now - gone.backup.written) > policy.maximumAge else {
      return "deleted too young"
    }
    // A newer one of the same history stays, so the end of every history can be restored.
    let newer = blobs.values.filter {
      $0.backup.origin == gone.backup.origin && $0.backup > gone.backup
    }
    guard !newer.isEmpty else { return "deleted the last backup of a history" }
    if gone.backup.origin == stored.origin, newer.count < policy.minimumCount {
      return "deleted one of the newest"
    }
    return nil
  }
}

extension RecordedHistories {
  fileprivate init(_ book: HistoryBook?) {
    self = book.map { .known($0) } ?? .none
  }
}

@Suite struct `Retention without a record` {
  @Test(arguments: [1...400])
  func `deletes nothing that must stay in any of many random worlds`(seeds: ClosedRange<UInt64>)
    throws
  {
    var deletions = 0
    for seed in seeds {
      var world = UnrecordedWorld(seed: seed)
      let fault = try world.live()
      #expect(fault == nil, "seed \(seed)")
      deletions += world.deletions
    }
    #expect(deletions > 1000, "the worlds show something")
  }

  private let first = RetentionFixture.name(1, at: RetentionFixture.now - 9 * RetentionFixture.day)
  private let second = RetentionFixture.name(2, at: RetentionFixture.now - 4 * RetentionFixture.day)

  private func histories(_ backups: [(ULID, Int, UInt64)]) -> StoredHistories {
    var histories = StoredHistories()
    for (number, (history, daysOld, index)) in backups.enumerated() {
      histories.consider(
        RetentionFixture.backup(number, daysOld: daysOld, of: history),
        ["clusterid": "7", "raftterm": "2", "raftindex": "\(index)"])
    }
    return histories
  }

  @Test func `knows the running history and when the other one ended by their names`() throws {
    // The first backup of the second one is gone.
    let book = try #require(
      histories([(first, 6, 90), (second, 1, 50), (first, 8, 10)]).continued())
    #expect(book.lineage == RetentionFixture.lineage)
    #expect(book.running?.name == second)
    #expect(book.ended.map(\.name) == [first])
    #expect(book.ended.first?.endTime == RetentionFixture.now - 4 * RetentionFixture.day)
    #expect(book.ended.first?.newest == RaftPosition(term: 2, index: 90))
  }

  @Test func `begins a lineage where there is no backup`() {
    #expect(histories([]).continued() == nil)
  }

  @Test func `goes on with the lineage of the newest backup`() throws {
    var histories = histories([(first, 3, 10)])
    histories.consider(
      RetentionFixture.backup(9, daysOld: 1, of: second, in: RetentionFixture.other),
      ["clusterid": "7", "raftterm": "2", "raftindex": "5"])
    #expect(try #require(histories.continued()).lineage == RetentionFixture.other)
  }

  @Test func `gives up no history, however many there are`() throws {
    let day = RetentionFixture.day
    let names = (0..<40).map {
      RetentionFixture.name($0, at: RetentionFixture.now - (50 - $0) * day)
    }
    var book = try #require(
      histories(names.enumerated().map { ($1, 50 - $0, UInt64(100 - $0)) }).continued())
    let path = try RetentionFixture.path(RetentionFixture.name(99, at: RetentionFixture.now))
    _ = book.note(path, of: RetentionFixture.cluster(7, 2, 1), at: RetentionFixture.now)
    #expect(book.ended.count == 40 && book.givenUp.isEmpty)
  }

  @Test func `holds everything while two clusters of one id take turns`() throws {
    var book = HistoryBook(lineage: RetentionFixture.lineage)
    book.givesUpNone = true
    for (number, index) in [100, 50, 110, 60].enumerated() {
      let time = RetentionFixture.now - (9 - number) * 3600
      let path = try RetentionFixture.path(RetentionFixture.name(number, at: time))
      _ = book.note(path, of: RetentionFixture.cluster(7, 2, UInt64(index)), at: time)
    }
    let path = try RetentionFixture.path(RetentionFixture.name(9, at: RetentionFixture.now))
    let basis = RetentionBasis(
      unrecorded: path, of: RetentionFixture.cluster(7, 2, 60),
      RetentionPolicy(minimumCount: 1, maximumAge: .zero), book, now: RetentionFixture.now)
    #expect(basis.hold == .alternation)
  }
}
