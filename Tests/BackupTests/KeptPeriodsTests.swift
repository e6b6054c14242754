// The newest backups of days, weeks and months.

import Backup
import Testing

@Suite struct `Periods of retention` {
  typealias Fixture = RetentionFixture
  static let running = Fixture.name(0, at: Fixture.now - 900 * Fixture.day)
  static let former = Fixture.name(0, at: Fixture.now - 950 * Fixture.day)

  /// What stays of one backup for each number of days, once another one is recorded.
  func left(
    of daysOld: [Int], _ periods: KeptPeriods, keeping count: Int = 0, endedDaysAgo: Int? = nil
  ) -> [Int] {
    let history = endedDaysAgo == nil ? Self.running : Self.former
    let book = HistoryBook(
      lineage: Fixture.lineage, running: Fixture.history(Self.running),
      ended: endedDaysAgo.map { [Fixture.history(Self.former, endedDaysAgo: $0)] } ?? [])
    let recorded = Fixture.backup(9999, daysOld: 0, of: Self.running)
    var plan = RetentionPlan(
      RetentionBasis(
        policy: RetentionPolicy(minimumCount: count, maximumAge: .zero, periods: periods),
        book: book, recorded: recorded.name),
      now: Fixture.now + 1, mostDeletions: 5000)
    let backups = daysOld.map { Fixture.backup($0, daysOld: $0, of: history) }
    for backup in (backups + [recorded]).shuffled() { plan.consider(backup) }
    let gone = Set(plan.expired().map(\.name))
    let rules = plan.conclude()
    for backup in backups {
      #expect((rules.verdict(on: backup) == .goes) == gone.contains(backup.name))
    }
    return zip(daysOld, backups).filter { !gone.contains($0.1.name) }.map(\.0)
  }

  // RetentionFixture.now is Friday, 15 January 2027, 08:00 UTC.

  @Test func `days count from the recorded backup on, and only those that have one`() {
    #expect(left(of: [1, 2, 3, 40, 41], KeptPeriods(days: 4)) == [1, 2, 3])
    #expect(left(of: [40, 41, 500], KeptPeriods(days: 3)) == [40, 41])
  }

  @Test func `weeks begin on Monday`() {
    #expect(left(of: [4, 5, 6, 11, 12], KeptPeriods(weeks: 3)) == [5, 12])
  }

  @Test func `months are those of the calendar`() {
    // 1 January, 31 and 1 December, 30 November.
    #expect(left(of: [14, 15, 45, 46], KeptPeriods(months: 3)) == [15, 46])
  }

  @Test func `all of them and the newest stay side by side`() {
    let periods = KeptPeriods(days: 2, weeks: 2, months: 3)
    #expect(left(of: Array(1...80), periods, keeping: 4) == [1, 2, 3, 5, 15, 46])
  }

  @Test(arguments: [(1, [100, 101]), (100, [100])])
  func `an ended history has its own, until it has ended long ago`(daysAgo: Int, left: [Int]) {
    #expect(
      self.left(of: [100, 101, 102], KeptPeriods(days: 2), endedDaysAgo: daysAgo) == left)
  }

  @Test func `the reason names the period`() {
    let reasons = Period.allCases.map { RetentionReason.newestOf($0, until: nil) }
    #expect(Set(reasons).count == 3)
  }
}
