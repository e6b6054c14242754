/// Which backups go, and above all which stay.

import Backup
import TestSupport
import Testing

@Suite struct `A retention plan` {
  let now = 1_800_000_000
  static let day = 86_400

  /// Names in the order of their numbers; the age is by the store's clock.
  func backup(_ number: UInt64, ageInDays days: Int) -> StoredBackup {
    StoredBackup(name: name(number), lastModified: now - days * Self.day)
  }

  func name(_ number: UInt64) -> ULID {
    ULID(milliseconds: 1_700_000_000_000 + number, randomHigh: 0, randomLow: 0)
  }

  func expired(
    of backups: [StoredBackup], keeping minimumCount: Int, olderThan days: Int, recorded: UInt64,
    mostDeletions: Int = 5000
  ) -> [StoredBackup] {
    var plan = RetentionPlan(
      policy: RetentionPolicy(
        minimumCount: minimumCount, maximumAge: .seconds(days * Self.day)),
      recorded: name(recorded), now: now, mostDeletions: mostDeletions)
    for backup in backups { plan.consider(backup) }
    return plan.expired()
  }

  // MARK: What stays

  @Test(arguments: [(0, 4), (1, 4), (2, 3), (3, 2), (5, 0), (100_000, 0)])
  func `deletes only past the minimum count, oldest first`(minimumCount: Int, deleted: Int) {
    let backups = (1...5).map { backup(UInt64($0), ageInDays: 10 - $0) }
    let gone = expired(of: backups, keeping: minimumCount, olderThan: 3, recorded: 5)
    #expect(gone == Array(backups.prefix(deleted)))
  }

  @Test func `deletes only what is older than the expiration, not what is just as old`() {
    let backups = [
      StoredBackup(name: name(1), lastModified: now - 3 * Self.day - 1),
      StoredBackup(name: name(2), lastModified: now - 3 * Self.day),
      StoredBackup(name: name(3), lastModified: now),
    ]
    let gone = expired(of: backups, keeping: 0, olderThan: 3, recorded: 3)
    #expect(gone.map(\.name) == [name(1)])
  }

  @Test func `D5: keeps the newest backup however old it is`() {
    let old = backup(1, ageInDays: 4000)
    #expect(expired(of: [old], keeping: 1, olderThan: 0, recorded: 2).isEmpty)
  }

  @Test(arguments: [0, 1, 2])
  func `D7: never deletes the recorded backup, even if it is the oldest`(minimumCount: Int) {
    let backups = (1...4).map { backup(UInt64($0), ageInDays: 100 - $0) }
    let gone = expired(of: backups, keeping: minimumCount, olderThan: 1, recorded: 1)
    #expect(gone == Array(backups[1..<(4 - minimumCount)]))
  }

  @Test(arguments: [-40_000, -365, -1])
  func `D10: with our clock ahead keeps the newest all the same`(days: Int) {
    let backups = (1...6).map { backup(UInt64($0), ageInDays: -days + 10 - $0) }
    let gone = expired(of: backups, keeping: 3, olderThan: 0, recorded: 6)
    #expect(gone == Array(backups.prefix(3)))
  }

  @Test func `D10: with our clock behind deletes nothing`() {
    let backups = (1...6).map { backup(UInt64($0), ageInDays: -400 - $0) }
    #expect(expired(of: backups, keeping: 0, olderThan: 3, recorded: 6).isEmpty)
  }

  @Test func `D3: orders by time, not by name`() {
    // Names from a pod whose clock ran ahead: the store knows when the backups really came.
    let backups = [
      backup(900, ageInDays: 9), backup(10, ageInDays: 8), backup(99, ageInDays: 7),
      backup(100, ageInDays: 6),
    ]
    let gone = expired(of: backups, keeping: 2, olderThan: 1, recorded: 100)
    #expect(gone.map(\.name) == [name(900), name(10)])
  }

  @Test func `of backups of the same second, keeps those named last`() {
    let backups = (1...5).map { backup(UInt64($0), ageInDays: 5) }
    let gone = expired(of: backups.shuffled(), keeping: 2, olderThan: 1, recorded: 5)
    #expect(gone == Array(backups.prefix(3)))
  }

  // MARK: What was seen

  @Test func `knows whether the recorded backup was among them, and how many there were`() {
    var plan = RetentionPlan(
      policy: RetentionPolicy(minimumCount: 1, maximumAge: .zero), recorded: name(2), now: now,
      mostDeletions: 10)
    plan.consider(backup(1, ageInDays: 1))
    #expect(!plan.sawRecorded)
    plan.consider(backup(2, ageInDays: 1))
    #expect(plan.sawRecorded)
    #expect(plan.backupCount == 2)
  }

  // MARK: However many there are

  @Test func `of more than it may delete at once takes the oldest`() {
    let backups = (1...50).map { backup(UInt64($0), ageInDays: 100 - $0) }
    let gone = expired(
      of: backups.shuffled(), keeping: 3, olderThan: 1, recorded: 50, mostDeletions: 10)
    #expect(gone == Array(backups.prefix(10)))
  }

  @Test(arguments: [true, false])
  func `of 300,000 backups, in either order, keeps in mind only what it needs`(newestFirst: Bool) {
    var plan = RetentionPlan(
      policy: RetentionPolicy(minimumCount: 3, maximumAge: .zero), recorded: name(300_000),
      now: now, mostDeletions: 100)
    for index in UInt64(1)...300_000 {
      let number = newestFirst ? 300_001 - index : index
      plan.consider(StoredBackup(name: name(number), lastModified: now - 400_000 + Int(number)))
    }
    #expect(plan.expired().map(\.name) == (1...100).map(name))
    #expect(plan.backupCount == 300_000)
    #expect(backupsHeld(by: plan) == 103)
  }

  /// Counts what lies in the plan's own storage.
  private func backupsHeld(by plan: RetentionPlan) -> Int {
    Mirror(reflecting: plan).children
      .flatMap { Mirror(reflecting: $0.value).children }
      .compactMap { ($0.value as? [StoredBackup])?.count }
      .reduce(0, +)
  }

  // MARK: Against the obvious way to do it

  @Test(arguments: 0..<200)
  func `decides as sorting everything would`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let count = Int.random(in: 0...60, using: &random)
    let backups = (0..<count).map { number in
      // Few different times, so that many are equal.
      StoredBackup(
        name: name(UInt64(number)),
        lastModified: now - Int.random(in: -2...20, using: &random) * Self.day)
    }.shuffled(using: &random)
    let keep = Int.random(in: 0...8, using: &random)
    let days = Int.random(in: 0...15, using: &random)
    let recorded = UInt64.random(in: 0...60, using: &random)
    let most = Int.random(in: 0...30, using: &random)

    let model =
      backups
      .sorted { ($0.lastModified, $0.name) > ($1.lastModified, $1.name) }
      .dropFirst(keep)
      .filter { $0.lastModified < now - days * Self.day && $0.name != name(recorded) }
      .reversed().prefix(most)
    let gone = expired(
      of: backups, keeping: keep, olderThan: days, recorded: recorded, mostDeletions: most)
    #expect(gone == Array(model))
  }
}
