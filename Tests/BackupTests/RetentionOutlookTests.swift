/// What is foretold of retention is what retention does.

import Backup
import TestSupport
import Testing

@Suite struct `The outlook of retention` {
  static let now = 1_800_000_000

  static func name(_ number: Int) -> ULID {
    ULID(milliseconds: UInt64(1_700_000_000_000 + number), randomHigh: 0, randomLow: 0)
  }

  /// Newest first, each of these many seconds old.
  static func backups(ages: [Int]) -> [StoredBackup] {
    ages.enumerated()
      .map { StoredBackup(name: name(1000 - $0), lastModified: now - $1) }
      .sorted(by: >)
  }

  /// What a run deletes that stores and records one more backup now.
  static func deletedByRun(_ policy: RetentionPolicy, _ backups: [StoredBackup]) -> [StoredBackup] {
    let own = StoredBackup(name: name(2000), lastModified: now)
    var plan = RetentionPlan(policy: policy, recorded: own.name, now: now, mostDeletions: 5000)
    for backup in backups.shuffled() + [own] { plan.consider(backup) }
    return plan.expired()
  }

  @Test(arguments: 0..<200)
  func `is what the next run deletes`(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    let ages = (0..<Int.random(in: 0...12, using: &random)).map { _ in
      Int.random(in: 0...10, using: &random)
    }
    let policy = RetentionPolicy(
      minimumCount: .random(in: 0...6, using: &random),
      maximumAge: .milliseconds(Int.random(in: 0...9000, using: &random)))
    let backups = Self.backups(ages: ages.sorted())
    let foretold = zip(backups, policy.outlook(of: backups, at: Self.now))
      .filter { $1 == .deletedByNextRun }.map(\.0)
    #expect(foretold.sorted() == Self.deletedByRun(policy, backups))
  }

  @Test func `tells when the others go`() {
    let policy = RetentionPolicy(minimumCount: 2, maximumAge: .seconds(100))
    let backups = Self.backups(ages: [10, 50, 100, 101])
    #expect(
      policy.outlook(of: backups, at: Self.now) == [
        .kept, .deletedAfter(Self.now + 50), .deletedAfter(Self.now), .deletedByNextRun,
      ])
  }

  @Test(arguments: [0, 1])
  func `promises nothing where no backup but the next is sure to stay`(minimumCount: Int) {
    let policy = RetentionPolicy(minimumCount: minimumCount, maximumAge: .zero)
    let backups = Self.backups(ages: [1, 2, 3])
    #expect(
      policy.outlook(of: backups, at: Self.now) == Array(repeating: .deletedByNextRun, count: 3))
  }

  @Test(arguments: [0, 1, 2, 3, 100])
  func `D5: is a warning where only one is sure to stay`(minimumCount: Int) {
    let policy = RetentionPolicy(minimumCount: minimumCount, maximumAge: .seconds(1))
    let finding = Preflight.retentionFinding(policy, stored: 5, goingNext: 4)
    #expect(finding.outcome == (minimumCount < 2 ? .warn : .pass))
    #expect(finding.detail.contains("5 stored, the next run deletes 4"))
  }
}

/// The same numbers in every run.
private struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
