// Which backups go, and above all which stay.

import Backup
import Testing

@Suite struct `A retention plan` {
  typealias Fixture = RetentionFixture
  static let running = Fixture.name(0, at: Fixture.now - 100 * Fixture.day)
  static let former = Fixture.name(0, at: Fixture.now - 200 * Fixture.day)

  let recorded = Fixture.backup(999, daysOld: 0, of: Self.running)

  func book(ended: [History] = [], givenUp: [History] = []) -> HistoryBook {
    HistoryBook(
      lineage: Fixture.lineage, running: Fixture.history(Self.running), ended: ended,
      givenUp: givenUp)
  }

  /// What a run deletes that has just recorded `recorded`; three stay, and all that are not older
  /// than three days.
  func expired(
    of backups: [StoredBackup], keeping count: Int = 3, olderThan days: Int = 3,
    book: HistoryBook? = nil, verified: ULID? = nil, previous: ULID? = nil,
    hold: RetentionHold? = nil, clocks: [Int] = [Fixture.now], mostDeletions: Int = 5000
  ) -> [StoredBackup] {
    var plan = RetentionPlan(
      RetentionBasis(
        policy: RetentionPolicy(
          minimumCount: count, maximumAge: .seconds(days * Fixture.day)),
        book: book ?? self.book(), recorded: recorded.name, verified: verified, previous: previous,
        hold: hold),
      now: clocks[0], mostDeletions: mostDeletions)
    for clock in clocks { plan.note(clock: clock) }
    for backup in backups.shuffled() + [recorded] { plan.consider(backup) }
    #expect(plan.recordedOrigin == recorded.origin)
    let known = Dictionary(backups.map { ($0.name, $0) }) { one, _ in one }
    let gone = plan.expired().compactMap { known[$0.name] }
    let rules = plan.conclude()
    // The rule that explains a backup's fate is the one that decides it.
    if backups.count < mostDeletions {
      #expect(
        Set(backups.filter { rules.verdict(on: $0) == .goes }.map(\.name)) == Set(gone.map(\.name)))
    }
    return gone
  }

  /// Ten backups of a history, from 59 to 50 days old, oldest first.
  func tenOld(of history: ULID?, in lineage: ULID = Fixture.lineage) -> [StoredBackup] {
    (0..<10).map { Fixture.backup($0, daysOld: 59 - $0, of: history, in: lineage) }
  }

  @Test(arguments: [true, false])
  func `D12: (a) deletes nothing of another lineage`(isRunning: Bool) {
    let theirs = tenOld(of: isRunning ? Self.running : Self.former, in: Fixture.other)
    #expect(expired(of: theirs, keeping: 0).isEmpty)
  }

  @Test(arguments: [(1, 10), (3, 8), (11, 0), (100_000, 0)])
  func `(b) keeps the newest of the running history, and deletes the oldest first`(
    count: Int, deleted: Int
  ) {
    let backups = tenOld(of: Self.running)
    #expect(expired(of: backups, keeping: count) == Array(backups.prefix(deleted)))
  }

  @Test func `(b) deletes what is older than the expiration, not what is just as old`() {
    let backups = [-1, 0, 1].map { seconds in
      let written = Fixture.now - 3 * Fixture.day + seconds
      return StoredBackup(
        name: Fixture.name(0, at: written), written: written, lastModified: written, etag: nil,
        origin: .history(Self.running, lineage: Fixture.lineage))
    }
    #expect(expired(of: backups, keeping: 0) == [backups[0]])
  }

  @Test(arguments: [(29, 7), (31, 9)])
  func `D16: (c) keeps the newest of an ended history for its expiration, then its newest`(
    endedDaysAgo: Int, deleted: Int
  ) {
    let backups = tenOld(of: Self.former)
    let book = book(ended: [Fixture.history(Self.former, endedDaysAgo: endedDaysAgo)])
    #expect(expired(of: backups, book: book) == Array(backups.prefix(deleted)))
    // However few are to stay.
    #expect(expired(of: backups, keeping: 0, book: book) == Array(backups.prefix(9)))
  }

  @Test func `D16: (c) a wiped etcd's new backups push out none of the old ones`() {
    let old = tenOld(of: Self.former)
    let new = (0..<40).map { Fixture.backup(100 + $0, daysOld: 49 - $0, of: Self.running) }
    let gone = expired(
      of: old + new, book: book(ended: [Fixture.history(Self.former, endedDaysAgo: 49)]))
    #expect(!gone.contains(old[9]))
    #expect(Set(gone).isDisjoint(with: new.suffix(2)))
  }

  @Test func `(c) gives up all of a history for which there was no room, once they are expired`() {
    let backups = tenOld(of: Self.former) + [Fixture.backup(90, daysOld: 2, of: Self.former)]
    let book = book(givenUp: [Fixture.history(Self.former, endedDaysAgo: 40)])
    #expect(expired(of: backups, book: book) == Array(backups.prefix(10)))
  }

  @Test func `(c) keeps a history that the record does not know`() {
    #expect(expired(of: tenOld(of: Self.former), keeping: 0).isEmpty)
  }

  @Test func `D7: (d) keeps the recorded, the verified and the newest of the previous history`() {
    let backups = tenOld(of: Self.running)
    let gone = expired(
      of: backups, keeping: 0, verified: backups[0].name, previous: backups[4].name)
    #expect(gone.map(\.name) == (backups[1..<4] + backups[5...]).map(\.name))
  }

  @Test func `D17: (e) a backup that was touched is as old as it was, and not younger`() {
    var backups = tenOld(of: Self.running)
    // Copied to another account in the other order: these times decide nothing.
    backups = backups.enumerated().map { number, backup in
      StoredBackup(
        name: backup.name, written: backup.written,
        lastModified: backup.written + 20_000 - number * 1000, etag: nil, origin: backup.origin)
    }
    #expect(expired(of: backups) == Array(backups.prefix(8)))
  }

  @Test func `D17: (e) goes only when the store's time is past the expiration as well`() {
    let backups = (0..<3).map { number in
      Fixture.backup(number, daysOld: 9, of: Self.running, modifiedDaysAgo: 4 - number)
    }
    #expect(expired(of: backups, keeping: 0) == [backups[0]])
  }

  @Test(arguments: [
    [Fixture.now + 20 * Fixture.day, Fixture.now], [Fixture.now, Fixture.now + 20 * Fixture.day],
  ])
  func `D18: (e) the earlier clock decides`(clocks: [Int]) {
    let backups = (0..<10).map { Fixture.backup($0, daysOld: 2, of: Self.running) }
    #expect(expired(of: backups, keeping: 0, clocks: clocks).isEmpty)
    #expect(expired(of: backups, keeping: 0, clocks: [clocks.max() ?? 0]).count == 10)
  }

  @Test(arguments: [StoredBackup.Oddity.times, .metadata, .size(1)])
  func `D2: (f) keeps an odd one, and counts it for none of the newest`(
    oddity: StoredBackup.Oddity
  ) {
    let odd = (0..<10).map { Fixture.backup($0, daysOld: 40, of: Self.running, oddity: oddity) }
    let backups = tenOld(of: Self.running)
    #expect(expired(of: odd + backups) == Array(backups.prefix(8)))
  }

  @Test(arguments: [RetentionHold.alternation, .unreadable("x"), .uncheckedPages])
  func `D13: (f) deletes nothing where it may not`(hold: RetentionHold) {
    #expect(expired(of: tenOld(of: Self.running) + tenOld(of: nil), keeping: 0, hold: hold).isEmpty)
  }

  // MARK: Without a lineage

  @Test func `the predecessor's go, but for the newest while ours could not do without`() {
    let theirs = tenOld(of: nil)
    #expect(expired(of: theirs) == Array(theirs.prefix(7)))
    // Enough of ours, but all of the last days.
    let ours = (0..<5).map { Fixture.backup(100 + $0, daysOld: 2, of: Self.running) }
    #expect(expired(of: theirs + ours) == Array(theirs.prefix(7)))
    // They reach back over the expiration, and are enough.
    let older = [Fixture.backup(200, daysOld: 3, of: Self.running)]
    #expect(expired(of: theirs + ours + older) == theirs)
    // They reach back, but are too few.
    #expect(expired(of: theirs + older) == Array(theirs.prefix(7)))
  }

  @Test func `the predecessor's that are newer than ours count before them`() {
    let ours = [8, 7, 6].map { Fixture.backup(200 + $0, daysOld: $0, of: Self.running) }
    let theirs = [5, 4].map { Fixture.backup($0, daysOld: $0) }
    #expect(expired(of: theirs + ours) == [ours[0]])
  }

  @Test func `D12: nobody knows whose they are beside another lineage, so they stay`() {
    let others = [Fixture.backup(77, daysOld: 1, of: Self.former, in: Fixture.other)]
    #expect(expired(of: tenOld(of: nil) + others, keeping: 0).isEmpty)
  }

  // MARK: However many there are

  @Test func `of more than it may delete at once takes the oldest`() {
    let backups = tenOld(of: Self.running)
    #expect(expired(of: backups, mostDeletions: 5) == Array(backups.prefix(5)))
  }

  /// Else nothing of ours would ever go.
  @Test func `does not lose its few deletions to backups that stay`() {
    let others = [Fixture.backup(77, daysOld: 1, of: Self.former, in: Fixture.other)]
    let theirs = (0..<50).map { Fixture.backup($0, daysOld: 90) }
    let ours = tenOld(of: Self.running)
    #expect(expired(of: theirs + others + ours, mostDeletions: 5) == Array(ours.prefix(5)))
  }

  @Test(arguments: [true, false])
  func `of 300,000 backups, in either order, keeps in mind only what it needs`(newestFirst: Bool) {
    var plan = RetentionPlan(
      RetentionBasis(
        policy: RetentionPolicy(minimumCount: 3, maximumAge: .zero), book: book(),
        recorded: recorded.name),
      now: Fixture.now, mostDeletions: 100)
    let start = Fixture.now - 400_000
    for index in 1...300_000 {
      let number = newestFirst ? 300_001 - index : index
      plan.consider(
        StoredBackup(
          name: Fixture.name(number, at: start + number), written: start + number,
          lastModified: start + number, etag: nil,
          origin: number % 2 == 0 ? .unknown : .history(Self.running, lineage: Fixture.lineage)))
    }
    #expect(plan.expired().map(\.name) == (1...100).map { Fixture.name($0, at: start + $0) })
    #expect(plan.counts.backups == 300_000)
    #expect(backupsHeld(by: plan) <= 206)
  }

  /// Counts what lies in the plan's own storage, two levels deep.
  private func backupsHeld(by plan: RetentionPlan) -> Int {
    func count(_ value: Any, depth: Int) -> Int {
      if let backups = value as? [StoredBackup] { return backups.count }
      if let backups = value as? [Deletion] { return backups.count }
      guard depth > 0 else { return 0 }
      return Mirror(reflecting: value).children.map { count($0.value, depth: depth - 1) }
        .reduce(0, +)
    }
    return count(plan, depth: 5)
  }
}
