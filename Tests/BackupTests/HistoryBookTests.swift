// When a history goes on, breaks or resumes, and how the record tells of it.

import Backup
import Testing

@Suite struct `The histories of a record` {
  typealias Fixture = RetentionFixture

  /// Notes one backup an hour; returns what each was, as a word.
  func turns(
    _ book: inout HistoryBook, _ sightings: [(UInt64, UInt64, UInt64)], hours: Int = 1,
    from start: Int = Fixture.now
  ) throws -> [String] {
    try sightings.enumerated().map { number, sighting in
      let time = start + number * hours * 3600
      let path = try Fixture.path(Fixture.name(number, at: time))
      let cluster = Fixture.cluster(sighting.0, sighting.1, sighting.2)
      return switch book.note(path, of: cluster, at: time) {
      case .begins: "begins"
      case .continues: "continues"
      case .breaks: "breaks"
      case .resumes: "resumes"
      }
    }
  }

  @Test(
    arguments: [
      (
        [(7, 2, 10), (7, 2, 10), (7, 2, 20), (7, 3, 21)],
        ["begins", "continues", "continues", "continues"]
      ),
      // Wiped: the same id, since it was started with the same URLs and token.
      ([(7, 3, 900), (7, 2, 8), (7, 2, 20)], ["begins", "breaks", "continues"]),
      ([(7, 3, 900), (7, 2, 1000)], ["begins", "breaks"]),
      ([(7, 3, 900), (7, 4, 899)], ["begins", "breaks"]),
      // Restored under another id, and undone.
      (
        [(7, 3, 900), (8, 2, 10), (7, 3, 905), (7, 3, 990)],
        ["begins", "breaks", "resumes", "continues"]
      ),
      // The first cluster again, but without its data.
      ([(7, 3, 900), (8, 2, 10), (7, 2, 9)], ["begins", "breaks", "breaks"]),
      (
        [(7, 3, 900), (8, 2, 10), (9, 2, 10), (7, 3, 901), (8, 2, 11)],
        ["begins", "breaks", "breaks", "resumes", "resumes"]
      ),
    ] as [([(UInt64, UInt64, UInt64)], [String])])
  func `D16: break where the cluster id changes or its log goes back, and resume with it`(
    sightings: [(UInt64, UInt64, UInt64)], expected: [String]
  ) throws {
    var book = HistoryBook(lineage: Fixture.lineage)
    #expect(try turns(&book, sightings) == expected)
  }

  @Test func `D16: is not broken by a lagging member while another one is further`() throws {
    var book = HistoryBook(lineage: Fixture.lineage)
    _ = try turns(&book, [(7, 3, 900)])
    let lagging = ClusterSighting(
      clusterID: 7, position: RaftPosition(term: 3, index: 850),
      highest: RaftPosition(term: 3, index: 950))
    let path = try Fixture.path(Fixture.name(9, at: Fixture.now + 9))
    #expect(book.note(path, of: lagging, at: Fixture.now + 9) == .continues)
    #expect(book.running?.newest == RaftPosition(term: 3, index: 850))
  }

  @Test func `D16: after a break, name the newest backup of the history before`() throws {
    var book = HistoryBook(lineage: Fixture.lineage)
    _ = try turns(&book, [(7, 3, 900), (7, 3, 910), (7, 2, 8), (7, 2, 9)])
    let time = Fixture.now + 2 * 3600
    #expect(book.previousPath == (try Fixture.path(Fixture.name(1, at: Fixture.now + 3600))))
    #expect(book.brokeTime == time)
    #expect(book.ended.map(\.endTime) == [time])
    #expect(book.running?.name == Fixture.name(2, at: time))
  }

  /// Grown past an old history of the same id, a wiped cluster would push out its backups.
  @Test func `D16: never add a log that went back to an older history of the same id`() throws {
    var book = HistoryBook(lineage: Fixture.lineage)
    let sightings: [(UInt64, UInt64, UInt64)] = [
      (7, 2, 500), (8, 2, 10), (7, 1, 3), (7, 2, 5000), (7, 2, 600),
    ]
    #expect(try turns(&book, sightings).last == "breaks")
    #expect(book.running?.newest.index == 600)
    #expect(book.ended.contains { $0.newest.index == 500 })
  }

  @Test func `beyond sixteen ended ones, give up that of the shortest span`() throws {
    var book = HistoryBook(lineage: Fixture.lineage)
    var time = Fixture.now
    // The fifth lives for a minute, the others for longer and longer.
    for number in 0..<18 {
      for part in 0..<2 {
        let name = Fixture.name(number, at: time)
        _ = book.note(
          try Fixture.path(name), of: Fixture.cluster(UInt64(100 + number), 2, 10), at: time)
        time += part == 0 ? (number == 4 ? 60 : 3600 * (number + 1)) : 60
      }
    }
    #expect(book.ended.count == HistoryBook.mostEnded)
    #expect(book.givenUp.map(\.clusterID) == [104])
  }

  // MARK: Two clusters on one record

  @Test(
    arguments: [
      ([(7, 3, 900), (8, 2, 10), (7, 3, 910), (8, 2, 12)], true),
      ([(7, 3, 900), (7, 3, 901), (8, 2, 10), (7, 3, 910), (7, 3, 911), (8, 2, 12)], true),
      // An undo.
      ([(7, 3, 900), (8, 2, 10), (7, 3, 910)], false),
      // A second attempt, undone as well.
      ([(7, 3, 900), (8, 2, 10), (7, 3, 910), (9, 2, 11), (7, 3, 920)], false),
      // Of the same id, since both were started with the same URLs and token.
      ([(7, 2, 900), (7, 2, 50), (7, 2, 910), (7, 2, 60)], true),
      ([(7, 2, 50), (7, 2, 900), (7, 2, 60), (7, 2, 910), (7, 2, 70)], true),
      ([(7, 2, 900), (7, 5, 50), (7, 2, 910), (7, 5, 60)], true),
      // Wiped, then restored.
      ([(7, 2, 900), (7, 2, 8), (7, 2, 20), (7, 2, 9)], false),
    ] as [([(UInt64, UInt64, UInt64)], Bool)])
  func `D13: show when two clusters take turns`(
    sightings: [(UInt64, UInt64, UInt64)], isAlternating: Bool
  ) throws {
    var book = HistoryBook(lineage: Fixture.lineage)
    _ = try turns(&book, sightings)
    let last = Fixture.now + sightings.count * 3600
    #expect(book.isAlternating(at: last) == isAlternating)
    #expect(!book.isAlternating(at: last + 8 * Fixture.day))
  }

  // MARK: In the record

  @Test func `are read as they were written`() throws {
    var book = HistoryBook(lineage: Fixture.lineage)
    #expect(RecordedHistories(book.fields) == .known(book))
    _ = try turns(
      &book,
      [(.max, 3, .max - 1), (8, 2, 10), (.max, 3, .max), (9, 1, 1)]
        + (0..<20).map { (100 + $0, 1, 1) })
    #expect(book.givenUp.count > 1)
    #expect(RecordedHistories(book.fields) == .known(book))
  }

  @Test func `C5: take less than 16 KiB, however many there were`() throws {
    var book = HistoryBook(lineage: Fixture.lineage)
    _ = try turns(&book, (0..<200).map { (.max - $0, .max - $0, .max) })
    #expect(book.fields.values.map(\.utf8.count).reduce(0, +) < 16 << 10)
    #expect(RecordedHistories(book.fields) == .known(book))
  }

  @Test(arguments: [
    nil, [:], ["abs-backup-file-path-from-last-success": "x"], ["backup-lineage": ""],
  ])
  func `begin anew where there are none`(fields: [String: String]?) {
    #expect(RecordedHistories(fields) == .none)
  }

  @Test(arguments: [
    ("backup-lineage", "nonsense"), ("backup-lineage", ""), ("backup-histories", "nonsense"),
    ("backup-histories", "{}"), ("backup-histories", "[{}]"), ("backup-histories", "[null]"),
    ("backup-history", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), ("backup-history", ""),
    ("backup-history-broke-time", "yesterday"), ("backup-previous-history-path", "nowhere"),
  ])
  func `(f) are not believed where something else stands there`(key: String, value: String) throws {
    var book = HistoryBook(lineage: Fixture.lineage)
    _ = try turns(&book, [(7, 3, 900), (8, 2, 10)])
    var fields = book.fields
    fields[key] = value
    guard case .unreadable(_, let text) = RecordedHistories(fields) else {
      Issue.record("believed \(value)")
      return
    }
    // Nothing is lost without a word.
    #expect(text.contains(fields["backup-lineage"] ?? "") && text.contains("backup-histories="))
    #expect(RecordedHistories(fields).book.lineage != Fixture.lineage)
  }

  @Test(arguments: [
    ("\"7\"", "\"g\""), ("\"3\"", "\"-3\""), ("\"900\"", "\"99999999999999999999\""),
    ("00Z\"}", "00\"}"), ("\"firstTime\":\"2027", "\"firstTime\":\"2127"),
    ("\"endTime\"", "\"other\""), ("\"endTime\":\"2027", "\"endTime\":\"27"),
  ])
  func `(f) are not believed with impossible values`(part: String, other: String) throws {
    var book = HistoryBook(lineage: Fixture.lineage)
    _ = try turns(&book, [(7, 3, 900), (7, 3, 900), (8, 2, 10)])
    var fields = book.fields
    let text = try #require(fields["backup-histories"])
    #expect(text.contains(part), "\(text)")
    fields["backup-histories"] = text.replacing(part, with: other)
    guard case .unreadable = RecordedHistories(fields) else {
      Issue.record("believed \(fields)")
      return
    }
  }
}
