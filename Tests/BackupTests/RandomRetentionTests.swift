// Retention against a slow model of its promises, in random worlds.

import Backup
import Foundation
import TestSupport
import Testing

@Suite struct `Random worlds of retention` {
  private static let count =
    ProcessInfo.processInfo.environment["TEST_LONG"] == "1" ? 100_000 : 1000
  private static let parts = 20

  @Test(arguments: 0..<parts)
  func `D12: D13: D16: D17: D18: lose no backup that is promised to stay`(part: Int) throws {
    for seed in 0..<(Self.count / Self.parts) {
      var world = RandomWorld(seed: UInt64(seed * Self.parts + part))
      if let fault = try world.live() {
        Issue.record("seed \(seed * Self.parts + part): \(fault)")
        return
      }
    }
  }
}

/// Several clusters under one prefix, their records, and what time, people and other programs do.
private struct RandomWorld {
  struct Cluster {
    var id: UInt64
    var term: UInt64 = 2
    var index: UInt64
    /// Unique in the world: which data it holds, whatever it says of itself.
    var life: Int
  }

  struct Release {
    var cluster: Int
    var record: Int
    var keep: Int
    var expiration: Int
    var historyExpiration: Int
    var periods: KeptPeriods
    /// In seconds, of its node.
    var clockAhead: Int
  }

  struct Blob {
    var backup: StoredBackup
    /// By the clock that is right.
    let trueTime: Int
    let life: Int
  }

  static let day = RetentionFixture.day
  var random: SeededRandom
  var now = RetentionFixture.now
  var clusters: [Cluster] = []
  var releases: [Release] = []
  /// What each ConfigMap holds.
  var records: [[String: String]]
  var blobs: [ULID: Blob] = [:]
  var lives = 0
  var number = 0

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    records = Array(repeating: [:], count: 3)
    for _ in 0..<Int.random(in: 1...3, using: &random) { clusters.append(newCluster()) }
    for index in clusters.indices {
      releases.append(
        Release(
          cluster: index, record: chance(4) ? 0 : index, keep: .random(in: 0...4, using: &random),
          expiration: .random(in: 0...5, using: &random) * Self.day,
          historyExpiration: .random(in: 0...10, using: &random) * Self.day,
          periods: randomPeriods(),
          clockAhead: chance(3) ? .random(in: -30...30, using: &random) * Self.day / 4 : 0))
    }
    for _ in 0..<Int.random(in: 0...6, using: &random) { addPredecessors() }
  }

  mutating func randomPeriods() -> KeptPeriods {
    guard chance(2) else { return .none }
    return KeptPeriods(
      days: .random(in: 0...5, using: &random), weeks: .random(in: 0...3, using: &random),
      months: .random(in: 0...2, using: &random))
  }

  mutating func chance(_ one: Int) -> Bool { .random(in: 0..<one, using: &random) == 0 }

  /// Started with the same URLs and token as another one, or not.
  mutating func newCluster() -> Cluster {
    lives += 1
    return Cluster(
      id: .random(in: 1...3, using: &random), index: .random(in: 4...60, using: &random),
      life: lives)
  }

  mutating func add(
    at time: Int, by clock: Int, origin: StoredBackup.Origin, life: Int
  ) -> ULID {
    number += 1
    let name = RetentionFixture.name(number, at: clock)
    let isOff = abs(time - clock) > Self.day
    blobs[name] = Blob(
      backup: StoredBackup(
        name: name, written: clock, lastModified: time, etag: nil, origin: origin,
        oddity: isOff ? .times : chance(40) ? .metadata : nil,
        immutableUntil: chance(6) ? clock + .random(in: 0...8, using: &random) * Self.day : nil),
      trueTime: time, life: life)
    return name
  }

  mutating func addPredecessors() {
    let time = now - Int.random(in: 0...20, using: &random) * Self.day / 2
    _ = add(at: time, by: time, origin: .unknown, life: 0)
  }

  // MARK: What happens

  /// What went wrong, if anything did.
  mutating func live() throws -> String? {
    for _ in 0..<Int.random(in: 4...40, using: &random) {
      now += Int.random(in: 1...Self.day, using: &random)
      let release = Int.random(in: releases.indices, using: &random)
      let cluster = releases[release].cluster
      switch Int.random(in: 0..<30, using: &random) {
      case 0: clusters[cluster] = newCluster()  // wiped, or set up anew
      case 1: swap(with: cluster)
      case 2: records[releases[release].record] = [:]
      case 3: touch()
      case 4: releases[release].clockAhead = .random(in: -40...40, using: &random) * Self.day / 4
      case 5: addPredecessors()
      case 6: releases[release].keep = .random(in: 0...4, using: &random)
      case 7: releases[release].expiration = .random(in: 0...5, using: &random) * Self.day
      case 8: garble(releases[release].record)
      case 9: clusters[cluster].term += 1
      case 11: releases[release].periods = randomPeriods()
      case 12: now += Int.random(in: 1...20, using: &random) * Self.day
      case 10: if let fault = try run(release, beside: true) { return fault }
      default: if let fault = try run(release, beside: false) { return fault }
      }
    }
    return nil
  }

  /// A cluster is restored or replaced, and perhaps comes back later: an undo.
  mutating func swap(with cluster: Int) {
    if clusters.count < 5 { clusters.append(newCluster()) }
    clusters.swapAt(cluster, .random(in: clusters.indices, using: &random))
  }

  /// Its metadata are set, it is tagged, or copied: only what the store says of its time changes.
  mutating func touch() {
    guard let name = blobs.keys.sorted().randomElement(using: &random), let blob = blobs[name]
    else {
      return
    }
    let backup = blob.backup
    blobs[name]?.backup = StoredBackup(
      name: name, written: backup.written, lastModified: now, etag: nil, origin: backup.origin,
      oddity: abs(now - backup.written) > Self.day ? .times : backup.oddity,
      immutableUntil: backup.immutableUntil)
  }

  mutating func garble(_ record: Int) {
    guard
      let key = ["backup-histories", "backup-lineage", "backup-last-verified-path"].randomElement(
        using: &random)
    else { return }
    records[record][key] = "nonsense"
  }

  /// One run, as BackupRun does it.
  mutating func run(_ number: Int, beside: Bool) throws -> String? {
    let release = releases[number]
    clusters[release.cluster].index += .random(in: 1...50, using: &random)
    let cluster = clusters[release.cluster]
    let clock = now + release.clockAhead
    let histories = RecordedHistories(records[release.record])
    var book = histories.book
    let before = book
    let name = RetentionFixture.name(self.number + 1, at: clock)
    let path = try RetentionFixture.path(name)
    let turn = book.note(
      path,
      of: ClusterSighting(
        clusterID: cluster.id, position: RaftPosition(term: cluster.term, index: cluster.index)),
      at: clock)
    guard let running = book.running else { return "no running history" }
    let stored = add(
      at: now, by: clock, origin: .history(running.name, lineage: book.lineage), life: cluster.life)
    guard stored == name else { return "another name" }
    if let fault = fault(in: turn, before, book, cluster) { return fault }
    var fields = records[release.record].merging(book.fields) { $1 }
    fields[Record.pathKey] = "\(path)"
    if chance(5) {
      fields[Record.verifiedPathKey] = "\(try RetentionFixture.path(blobs.keys.sorted()[0]))"
    }
    records[release.record] = fields
    // Another run has recorded since: it cleans up.
    if beside { return nil }
    var hold: RetentionHold?
    if case .unreadable(let reason, _) = histories { hold = .unreadable(reason) }
    let policy = RetentionPolicy(
      minimumCount: release.keep, maximumAge: .seconds(release.expiration),
      historyExpiration: .seconds(release.historyExpiration), periods: release.periods)
    let basis = RetentionBasis(
      policy, book, recorded: path, fields: fields, now: clock, hold: hold)
    var plan = RetentionPlan(basis, now: clock, mostDeletions: 5000)
    plan.note(clock: now)
    for blob in blobs.values.map(\.backup).shuffled(using: &random) { plan.consider(blob) }
    let gone = plan.expired().map(\.name)
    let model = RetentionModel(
      blobs: blobs.values.map(\.backup), fields: fields, keep: release.keep,
      expiration: release.expiration, historyExpiration: release.historyExpiration,
      periods: release.periods,
      now: min(clock, now), recorded: name,
      isHeld: hold != nil || book.isAlternating(at: clock)
        || (fields[Record.verifiedPathKey].map { (try? BackupPath($0)) == nil } ?? false))
    let allowed = model.mayGo()
    guard Set(gone) == allowed else {
      return "goes \(gone.sorted()), but may go \(allowed.sorted())"
    }
    for name in gone { blobs[name] = nil }
    return nil
  }

  /// What must hold of a turn, whatever the cluster says of itself.
  private func fault(
    in turn: HistoryBook.Turn, _ before: HistoryBook, _ after: HistoryBook, _ cluster: Cluster
  ) -> String? {
    let known = Set(
      (before.ended + before.givenUp).map(\.name) + (before.running.map { [$0.name] } ?? []))
    let kept = Set(
      (after.ended + after.givenUp).map(\.name) + (after.running.map { [$0.name] } ?? []))
    guard before.givenUp.count == 16 || known.isSubset(of: kept) else { return "a history is lost" }
    guard let running = before.running else { return nil }
    let isFit =
      running.clusterID == cluster.id && running.newest.term <= cluster.term
      && running.newest.index <= cluster.index
    guard isFit == (turn == .continues) else { return "\(turn) although it fits: \(isFit)" }
    if turn != .continues, after.previousPath?.name != running.newestBackup {
      return "the newest backup before the break is not named"
    }
    return nil
  }
}
