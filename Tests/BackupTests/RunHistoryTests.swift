// What a run makes of the histories in its record, and what it leaves there.

import Backup
import Foundation
import TestSupport
import Testing

@Suite struct `The history of a run` {
  typealias Fixture = RetentionFixture

  /// The world's own cluster has id 7, term 2 and index 12.
  func record(_ sightings: [(UInt64, UInt64, UInt64)]) throws -> [String: String] {
    var book = HistoryBook(lineage: Fixture.lineage)
    for (number, sighting) in sightings.enumerated() {
      let time = Timestamp.secondsNow() - 86_400 + number
      _ = book.note(
        try Fixture.path(Fixture.name(number, at: time)),
        of: Fixture.cluster(sighting.0, sighting.1, sighting.2), at: time)
    }
    return book.fields
  }

  func success(_ world: ScriptedWorld) throws -> HistoryBook {
    guard case .success(let record) = try world.run() else {
      throw TestFailure(world.log.text)
    }
    #expect(RecordedHistories(world.record) == record.book.map { .known($0) } ?? .none)
    return try #require(record.book)
  }

  struct TestFailure: Error {
    let log: String

    init(_ log: String) {
      self.log = log
    }
  }

  @Test func `(a) begins where the record knows none, and is written into record and blob`() throws
  {
    let world = try ScriptedWorld()
    let book = try success(world)
    let commit = try #require(world.server.requests.first { ScriptedWorld.Call($0) == .commit })
    let running = try #require(book.running)
    for (name, value) in [
      ("lineage", "\(book.lineage)"), ("history", "\(running.name)"), ("raftterm", "2"),
      ("raftindex", "12"),
    ] {
      #expect(commit.headers.first { $0.name.lowercased() == "x-ms-meta-\(name)" }?.value == value)
    }
    #expect(world.record["backup-history"] == "\(running.name)")
    #expect(world.record["backup-history-broke-time"] == "" && world.noted.isEmpty)
    #expect(world.record["backup-previous-history-path"] == "")
    // The next run goes on with it.
    #expect(try success(world).running?.name == running.name)
    #expect(world.messages.filter { $0 == "a lineage begins" }.count == 1)
  }

  @Test func `D16: a wiped etcd breaks it: the run succeeds and warns, and the record tells`()
    throws
  {
    let fields = try record([(7, 3, 900)])
    let world = try ScriptedWorld(oldBackups: `A run`.oldBackups, record: fields)
    let book = try success(world)
    #expect(book.lineage == Fixture.lineage && book.ended.count == 1)
    let previous = "backups/prod/\(fields["backup-history"] ?? "")"
    #expect(world.record["backup-previous-history-path"] == previous)
    #expect(world.record["backup-history-broke-time"] == Timestamp.format(book.brokeTime ?? 0))
    let alerted = ["backup-history-broke-time", "backup-previous-history-path"]
    #expect(world.noted == world.record.filter { alerted.contains($0.key) })
    let noted = try #require(world.calls.firstIndex(of: .noteBreak))
    #expect(noted < world.calls.firstIndex(of: .writeRecord) ?? 0)
    #expect(
      world.messages.contains("etcd is not the cluster of the last backup, or has lost its data"))
    #expect(
      world.log.text.contains("restore the newest backup of the previous history, \(previous)"))
  }

  @Test func `D16: a member that had only lagged breaks nothing, since it is asked again`() throws {
    let asked = LogCollector()
    let world = try ScriptedWorld(record: try record([(7, 2, 40)])) { call in
      guard call == .status else { return nil }
      defer { asked.note("again") }
      guard asked.text.contains("again") else { return nil }
      return .response(
        200,
        json: """
          {"header":{"cluster_id":"7","member_id":"9","revision":"6","raft_term":"2"},\
          "version":"3.4.23","dbSize":"20480","leader":"9","raftIndex":"41","raftTerm":"2",\
          "raftAppliedIndex":"41"}
          """)
    }
    let book = try success(world)
    #expect(world.calls.filter { $0 == .status }.count == 2)
    #expect(book.ended.isEmpty)
  }

  @Test func `D13: where two clusters take turns the run says so and deletes nothing`() throws {
    let world = try ScriptedWorld(
      oldBackups: `A run`.oldBackups,
      record: try record([(7, 2, 5), (8, 2, 9), (7, 2, 6), (8, 2, 9)]))
    _ = try success(world)
    #expect(world.log.text.contains("two clusters seem to write to one record"))
    #expect(world.log.text.contains("APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING"))
    #expect(world.blobs.count == 3 && !world.calls.contains(.list))
  }

  @Test(arguments: ["", "nonsense"])
  func `(f) a record that cannot be read costs no backup, and no old one goes`(lineage: String)
    throws
  {
    var fields = try record([(7, 2, 5)])
    let histories = try #require(fields["backup-histories"])
    fields["backup-lineage"] = lineage
    let world = try ScriptedWorld(oldBackups: `A run`.oldBackups, record: fields)
    let book = try success(world)
    #expect(book.lineage != Fixture.lineage)
    #expect(world.blobs.count == 3 && !world.calls.contains(.list))
    // What is replaced stands in the log.
    let name = try #require(histories.split(separator: "\"").first { $0.count == 26 })
    #expect(world.log.text.contains(name) && world.log.text.contains("retention --adopt LINEAGE"))
  }

  @Test
  func `(f) where the record cannot be asked, the backup has no lineage and the record keeps it`()
    throws
  {
    let fields = try record([(7, 2, 5)])
    let world = try ScriptedWorld(oldBackups: `A run`.oldBackups, record: fields) { call in
      call == .readRecord
        ? .response(
          403, json: #"{"kind":"Status","status":"Failure","reason":"Forbidden","message":"no"}"#)
        : nil
    }
    guard case .failure(let error, let path?) = try world.run() else {
      Issue.record("\(world.log.text)")
      return
    }
    #expect(error.status == .incomplete)
    #expect(world.record[Record.pathKey] == "\(path)")
    #expect(fields.allSatisfy { world.record[$0.key] == $0.value })
    #expect(world.blobs.count == 3)
  }

  @Test(arguments: [("Date", "has no Date"), ("Metadata", "lacks the lineage")])
  func `D18: (f) deletes nothing on a listing that does not tell all`(
    omitted: String, cause: String
  ) throws {
    let world = try ScriptedWorld(oldBackups: `A run`.oldBackups, listingWithout: omitted)
    guard case .failure(let error, path: _) = try world.run() else {
      Issue.record("\(world.log.text)")
      return
    }
    #expect(error.status == .incomplete && error.stage == .retention)
    #expect(error.cause.contains(cause))
    #expect(world.blobs.count == 3)
  }

  @Test func `D15: deletes only the version that the listing showed`() throws {
    let world = try ScriptedWorld(oldBackups: `A run`.oldBackups) { call in
      guard case .delete = call else { return nil }
      return .response(412, headers: ["x-ms-error-code": "ConditionNotMet"])
    }
    _ = try success(world)
    let request = try #require(world.server.requests.first { $0.method == "DELETE" })
    #expect(request.headers.first { $0.name == "If-Match" }?.value == "\"0x2\"")
    #expect(world.log.text.contains(#""backups.changed":1"#))
    #expect(world.blobs.count == 3)
  }
}
