// Which backup `latest` and `oldest` mean, and when two may be meant.

import Backup
import Testing

@Suite struct `The latest and the oldest backup` {
  typealias Fixture = RetentionFixture

  let former = Fixture.name(10, at: Fixture.now - 9 * Fixture.day)
  let running = Fixture.name(20, at: Fixture.now - 4 * Fixture.day)

  /// Two of the former history, then two of the running one, one of each other kind around them.
  var backups: [StoredBackup] {
    [
      Fixture.backup(1, daysOld: 20),
      Fixture.backup(10, daysOld: 9, of: former), Fixture.backup(11, daysOld: 8, of: former),
      Fixture.backup(20, daysOld: 4, of: running), Fixture.backup(21, daysOld: 3, of: running),
      Fixture.backup(30, daysOld: 1, of: Fixture.name(30, at: Fixture.now), in: Fixture.other),
    ]
  }

  var book: HistoryBook {
    HistoryBook(
      lineage: Fixture.lineage, running: Fixture.history(running),
      ended: [Fixture.history(former, endedDaysAgo: 5)])
  }

  func brokenBook() throws -> HistoryBook {
    var book = HistoryBook(lineage: Fixture.lineage, running: Fixture.history(former, cluster: 1))
    let first = try Fixture.path(running)
    _ = book.note(first, of: Fixture.cluster(2, 1, 1), at: Fixture.now - 4 * Fixture.day)
    return book
  }

  @Test(arguments: [(BackupChoice.latest, 4), (.oldest, 1)])
  func `are those of the record's lineage`(choice: BackupChoice, index: Int) {
    let ends = Ends(choice, of: backups.shuffled(), recorded: .known(book))
    #expect(ends.first == backups[index] && ends.other == nil)
  }

  @Test(arguments: [(BackupChoice.latest, 4, 1), (.oldest, 3, 1)])
  func `may be two after a break, until it is confirmed`(
    choice: BackupChoice, first: Int, other: Int
  ) throws {
    var book = try brokenBook()
    #expect(book.previousPath?.name == former && book.running?.name == running)
    var ends = Ends(choice, of: backups.shuffled(), recorded: .known(book))
    #expect(ends.first == backups[first] && ends.other == backups[other] && ends.isBroken)
    book = HistoryBook(lineage: book.lineage, running: book.running, ended: book.ended)
    ends = Ends(choice, of: backups, recorded: .known(book))
    #expect(ends.other == nil)
  }

  @Test func `are without a lineage where the record's has none yet, and never of another one`() {
    let book = HistoryBook(
      lineage: Fixture.name(9, at: Fixture.now), running: Fixture.history(running))
    #expect(Ends(.latest, of: backups, recorded: .known(book)).first == backups[0])
    #expect(Ends(.latest, of: [backups[5]], recorded: .known(book)).first == nil)
  }

  @Test(arguments: [RecordedHistories.none, .unreadable(reason: "a", text: "b")])
  func `may be two without a record where there are two histories`(record: RecordedHistories) {
    let latest = Ends(.latest, of: Array(backups[0...4]), recorded: record)
    #expect(latest.first == backups[4] && latest.other == backups[2] && !latest.isBroken)
    let oldest = Ends(.oldest, of: Array(backups[3...4]), recorded: record)
    #expect(oldest.first == backups[3] && oldest.other == nil)
  }

  @Test func `leave out what no snapshot can be`() {
    let odd = Fixture.backup(40, daysOld: 0, of: running, oddity: .size(1))
    #expect(Ends(.latest, of: backups + [odd], recorded: .known(book)).first == backups[4])
    #expect(Ends(.latest, of: [odd], recorded: .none).first == nil)
  }

  @Test(arguments: ["Latest", "newest", "", "latest/", "a/latest"])
  func `have no other words`(text: String) {
    #expect(BackupChoice(text) == nil)
  }
}
