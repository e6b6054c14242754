// What is foretold of retention.

import Backup
import Testing

@Suite struct `The forecast of retention` {
  typealias Fixture = RetentionFixture

  func forecast(
    _ fields: [String: String]?, of backups: [StoredBackup], keeping count: Int = 3,
    checkingPages: Bool = true
  ) throws -> RetentionForecast {
    RetentionForecast(
      RetentionPolicy(minimumCount: count, maximumAge: .seconds(3 * Fixture.day)), fields: fields,
      of: backups, next: try Fixture.path(Fixture.name(0, at: Fixture.now)),
      checkingPages: checkingPages, now: Fixture.now)
  }

  func book() throws -> HistoryBook {
    var book = HistoryBook(lineage: Fixture.lineage)
    let time = Fixture.now - 9 * Fixture.day
    _ = book.note(
      try Fixture.path(Fixture.name(9, at: time)), of: Fixture.cluster(7, 2, 10), at: time)
    return book
  }

  @Test func `counts the next run's own backup as the newest, and tells when the others go`() throws
  {
    let book = try book()
    let history = try #require(book.running?.name)
    let backups = [9, 8, 2, 1].map { Fixture.backup($0, daysOld: $0, of: history) }
    let forecast = try forecast(book.fields, of: backups)
    #expect(
      backups.map(forecast.verdict) == [.goes, .goes, .stays(.newest), .stays(.newest)])
    let alone = try self.forecast(book.fields, of: backups, keeping: 1)
    #expect(
      backups.map(alone.verdict) == [
        .goes, .goes, .goesAfter(Fixture.now + Fixture.day),
        .goesAfter(Fixture.now + 2 * Fixture.day),
      ])
  }

  @Test func `D12: is a failure of check where another lineage lies under the prefix`() throws {
    let theirs = [Fixture.backup(1, daysOld: 1, of: Fixture.other, in: Fixture.other)]
    let findings = Preflight.historyFindings(try forecast(try book().fields, of: theirs))
    #expect(findings.map(\.outcome) == [.fail])
    #expect(findings[0].detail.contains("\(Fixture.other)"))
    #expect(ExitStatus(findings) == .configuration)
  }

  @Test func `D16: is a warning of check after a break, and names the backup before it`() throws {
    var book = try book()
    let before = try #require(book.running?.newestBackup)
    _ = book.note(
      try Fixture.path(Fixture.name(3, at: Fixture.now - 60)), of: Fixture.cluster(8, 1, 1),
      at: Fixture.now - 60)
    let findings = Preflight.historyFindings(try forecast(book.fields, of: []))
    #expect(findings.map(\.outcome) == [.warn])
    #expect(findings[0].detail.contains("backups/prod/\(before)"))
  }

  @Test func `D13: is a failure of check where two clusters take turns`() throws {
    var book = try book()
    for (number, id) in [8, 7, 8].enumerated() {
      let time = Fixture.now - 3000 + number
      _ = book.note(
        try Fixture.path(Fixture.name(number, at: time)),
        of: Fixture.cluster(UInt64(id), 2, UInt64(20 + number)), at: time)
    }
    let old = [Fixture.backup(1, daysOld: 50, of: try #require(book.running?.name))]
    let forecast = try forecast(book.fields, of: old, keeping: 0)
    #expect(forecast.verdict(on: old[0]) == .stays(.held(.alternation)))
    #expect(Preflight.historyFindings(forecast).first?.outcome == .fail)
  }

  @Test(
    arguments: [
      (["backup-lineage": "x"], true), (["backup-last-verified-path": "x"], true), (nil, false),
    ] as [([String: String]?, Bool)])
  func `(f) keeps everything where the record cannot be read or the pages are not checked`(
    fields: [String: String]?, checkingPages: Bool
  ) throws {
    let old = Fixture.backup(1, daysOld: 50)
    let forecast = try forecast(fields, of: [old], keeping: 0, checkingPages: checkingPages)
    #expect(forecast.hold != nil)
    guard case .stays(.held) = forecast.verdict(on: old) else {
      Issue.record("it goes")
      return
    }
  }

  @Test(arguments: [0, 1, 2, 3, 100])
  func `D5: is a warning where only one is sure to stay`(minimumCount: Int) {
    let policy = RetentionPolicy(minimumCount: minimumCount, maximumAge: .seconds(1))
    let finding = Preflight.retentionFinding(policy, stored: 5, goingNext: 4)
    #expect(finding.outcome == (minimumCount < 2 ? .warn : .pass))
    #expect(finding.detail.contains("5 stored, the next run deletes 4"))
  }
}
