// Whole runs, where no real etcd, store or cluster can be brought to do what the test is about.

import Backup
import Digests
import Foundation
import Hints
import HTTP
import SnapshotFile
import Testing
import TestSupport

@Suite struct `A run` {
  /// Thirty days old, as `ScriptedWorld` has them, and without a lineage.
  static let oldBackups: [String] = {
    let time = UInt64(Timestamp.secondsNow() - 30 * 86_400) * 1000
    return [0, 1 as UInt64].map {
      "prod/\(ULID(milliseconds: time + $0, randomHigh: 0, randomLow: 0))"
    }
  }()

  @Test
  func `D6: backs up, verifies, commits, checks, records and only then deletes`()
    throws
  {
    let world = try ScriptedWorld(oldBackups: Self.oldBackups)
    guard case .success(let record) = try world.run() else {
      Issue.record("\(world.log.text)")
      return
    }
    #expect(
      world.calls == [
        .readSecret, .probeContainer, .status, .revision, .snapshot, .putBlock, .readRecord,
        .commit, .checkBlob, .checkBlocks, .writeRecord, .readRecord, .list,
        .delete("backups/\(Self.oldBackups[0])"),
      ])
    #expect(
      world.messages == [
        "run started", "member chosen", "snapshot verified", "backup stored",
        "a lineage begins", "backup recorded", "retention applied", "run finished",
      ])
    #expect(
      world.blobs.map { "backups/\($0)" } == ["backups/\(Self.oldBackups[1])", "\(record.path)"])
    #expect(world.record[Record.pathKey] == "\(record.path)")
    #expect(world.record["other-key"] == "untouched")
    #expect(record.size == 20_512)
    #expect(record.sha256 == SnapshotFixture.sha256OfFile)
    #expect(record.revision == 6)
  }

  /// One way to break a snapshot that its bytes alone do not show.
  struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let reply: ScriptedServer.Reply
    let cause: String

    init(_ description: String, _ reply: ScriptedServer.Reply, cause: String) {
      testDescription = description
      self.reply = reply
      self.cause = cause
    }

    /// The small snapshot, its lines changed.
    init(_ description: String, cause: String, _ change: (inout GatewayStream) -> Void) {
      var stream = GatewayStream(of: SnapshotFixture.database)
      change(&stream)
      self.init(description, .snapshot(stream), cause: cause)
    }
  }

  static let damages: [Damage] =
    [
      Damage("S2: a clean end before the hash", cause: "ended early") { $0.lines.removeLast() },
      Damage(
        "S2: a clean end amid the data",
        .response(
          200, body: Array(GatewayStream(of: SnapshotFixture.database).bytes.prefix(9999)),
          framing: .untilClose),
        cause: "ended early"),
      Damage("S4: another hash", cause: "SHA-256") {
        $0.lines[1] = .message(remaining: 0, blob: [UInt8](repeating: 1, count: 32))
      },
      Damage("S5: a countdown that is one off", cause: "announced") {
        $0.lines[0] = .message(remaining: 1, blob: SnapshotFixture.database)
      },
      Damage("S8: a right hash of a wrong page", cause: "cannot be restored") {
        var database = SnapshotFixture.database
        database[8192] ^= 1
        $0 = GatewayStream(of: database)
      },
      Damage("S6: endless empty messages", cause: "no progress") {
        $0.lines[1...] = .init(repeating: .message(remaining: 0, blob: []), count: 500)
      },
      Damage("something after the hash", cause: "the end of the snapshot") {
        $0.lines.append($0.lines[1])
      },
      Damage("S8: a broken page under a right hash", .snapshot(brokenPage), cause: "page 2"),
      Damage("a page of a proxy", .response(200, text: "<html>"), cause: "<html>"),
    ]
    + GatewayStream.ErrorShape.allCases.flatMap { shape in
      [0, 1, 2].map { line in
        Damage("S3: an error of shape \(shape) as line \(line)", cause: "etcdserver: stopped") {
          $0.lines[line...] = [.error(shape, code: 14, message: "etcdserver: stopped")]
        }
      }
    }

  /// The small snapshot, its root page damaged before etcd hashed it.
  static var brokenPage: GatewayStream {
    var database = SnapshotFixture.database
    database[2 * 4096] ^= 0xFF
    return GatewayStream(of: database)
  }

  @Test func `S8: takes a broken database where the check is off, and says so`() throws {
    let world = try ScriptedWorld(
      oldBackups: Self.oldBackups, snapshot: .snapshot(Self.brokenPage))
    guard case .success(let record) = try world.run(["APP_BACKUP_PAGE_CHECK": "off"]) else {
      Issue.record("\(world.log.text)")
      return
    }
    // One of them may be the last that is sound.
    #expect(Self.oldBackups.allSatisfy(world.blobs.contains))
    #expect(record.pages == .off)
    #expect(world.record["backup-page-check-from-last-success"] == "off")
    #expect(world.messages.contains("retention left to a run that finds a sound database"))
    #expect(world.record["backup-etcd-revision-from-last-success"] == "6")
  }

  @Test func `M2: refuses a snapshot that lacks what had been acknowledged before`() throws {
    let world = try ScriptedWorld(oldBackups: Self.oldBackups) { call in
      call == .revision ? .response(200, json: #"{"header":{"revision":"7"}}"#) : nil
    }
    guard case .failure(let error, path: nil) = try world.run() else {
      Issue.record("it was taken for a backup: \(world.log.text)")
      return
    }
    #expect(error.status == .failed)
    #expect(error.cause.contains("ends at revision 6, but revision 7"))
    #expect(error.hint?.contains("load balancer") == true)
    #expect(world.blobs == Self.oldBackups)
    #expect(!world.calls.contains(.commit))
    #expect(world.record == ["other-key": "untouched"])
  }

  @Test func `S8: takes a database that nobody can judge in bounded memory, and says so`() throws {
    let world = try ScriptedWorld(snapshot: .snapshot(GatewayStream(of: TestDatabase.tangled)))
    guard case .success = try world.run() else {
      Issue.record("\(world.log.text)")
      return
    }
    #expect(world.record["backup-page-check-from-last-success"] == "undecided")
    #expect(world.record["backup-records-from-last-success"] == "")
    #expect(world.messages.contains("pages not judged"))
    #expect(world.log.text.contains("cannot be judged"))
  }

  @Test func `tells what the check of the pages found`() throws {
    let world = try ScriptedWorld()
    _ = try world.run()
    #expect(world.record["backup-page-check-from-last-success"] == "sound")
    #expect(world.record["backup-page-size-bytes-from-last-success"] == "4096")
    #expect(world.record["backup-records-from-last-success"] == "10")
    #expect(world.record["backup-key-records-from-last-success"] == "6")
  }

  @Test(arguments: [nil, "1MiB"])
  func `M6: R2: passes through a spool what the store takes slowly`(limit: String?) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "spool-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let database = TestDatabase.bytes(pageCount: 2048)  // eight blocks of a mebibyte
    let world = try ScriptedWorld(
      snapshot: .snapshot(GatewayStream(of: database)), blockDelay: .milliseconds(100))
    var changes = [
      "APP_BACKUP_SPOOL_DIRECTORY": folder.path, "APP_BACKUP_PAGE_CHECK": "off",
      "APP_BACKUP_BLOCK_SIZE": "1MiB", "APP_BACKUP_BLOCKS_IN_FLIGHT": "1",
    ]
    changes["APP_BACKUP_SPOOL_LIMIT"] = limit
    guard case .success = try world.run(changes) else {
      Issue.record("\(world.log.text)")
      return
    }
    let blocks = world.server.requests.filter { ScriptedWorld.Call($0) == .putBlock }
    #expect(blocks.flatMap(\.body) == database + SHA256.digest(of: database).bytes)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test(arguments: damages)
  func `D1: C4: with a broken snapshot leaves nothing, records nothing, deletes nothing`(
    damage: Damage
  ) throws {
    let world = try ScriptedWorld(oldBackups: Self.oldBackups, snapshot: damage.reply)
    guard case .failure(let error, path: nil) = try world.run() else {
      Issue.record("it was taken for a backup: \(world.log.text)")
      return
    }
    #expect(error.status == .failed)
    #expect(error.stage == .snapshot)
    #expect(error.cause.contains(damage.cause))
    let allowed: [ScriptedWorld.Call] = [
      .readSecret, .probeContainer, .status, .revision, .snapshot, .putBlock,
    ]
    #expect(world.calls.allSatisfy(allowed.contains))
    #expect(world.blobs == Self.oldBackups)
    #expect(world.record == ["other-key": "untouched"])
    #expect(world.messages == ["run started", "member chosen", "no backup taken"])
  }

  @Test func `D7: leaves retention to a run that recorded since`() throws {
    let world = try ScriptedWorld(oldBackups: Self.oldBackups) { call in
      guard call == .readRecord else { return nil }
      return .response(
        200, json: #"{"data":{"\#(Record.pathKey)":"backups/\#(`A run`.oldBackups[1])"}}"#)
    }
    guard case .success = try world.run() else {
      Issue.record("\(world.log.text)")
      return
    }
    #expect(world.calls.last == .readRecord)
    #expect(world.blobs.count == 3)
    #expect(world.messages.contains("retention left to the run that recorded since"))
  }

  @Test(arguments: [
    (404, #"{"kind":"Status","status":"Failure","reason":"NotFound"}"#, "is gone"),
    (200, #"{"data":{"other":"x"}}"#, "is gone"),
    (200, #"{"data":{"\#(Record.pathKey)":"nonsense"}}"#, #"is "nonsense""#),
  ])
  func `D7: does not call itself recorded where the record is gone again`(
    status: Int, body: String, found: String
  ) throws {
    let world = try ScriptedWorld(oldBackups: Self.oldBackups) { call in
      call == .readRecord ? .response(status, json: body) : nil
    }
    guard case .failure(let error, let path?) = try world.run() else {
      Issue.record("\(world.log.text)")
      return
    }
    #expect(error.status == .incomplete)
    #expect(error.stage == .record)
    #expect(error.cause.contains(found))
    #expect(error.hint?.contains("GitOps") == true)
    #expect(world.messages.last == "backup stored, but not recorded")
    #expect(world.blobs.contains("\(path.blob)"))
    #expect(Self.oldBackups.allSatisfy(world.blobs.contains))
  }

  @Test func `C4: names the blob that it could not confirm`() throws {
    let world = try ScriptedWorld(oldBackups: Self.oldBackups) { call in
      call == .checkBlob
        ? .response(403, headers: ["x-ms-error-code": "AuthorizationFailure"]) : nil
    }
    guard case .failure(let error, let path?) = try world.run() else {
      Issue.record("\(world.log.text)")
      return
    }
    #expect(error.status == .configuration)
    #expect(error.stage == .check)
    #expect(world.messages.last == "backup perhaps stored, but neither confirmed nor recorded")
    #expect(
      world.log.text.contains("Run etcd-backup verify, which tells whether the blob is whole"))
    #expect(world.log.text.contains("\(path)"))
    #expect(world.blobs.count == Self.oldBackups.count + 1)
    #expect(world.record == ["other-key": "untouched"])
  }

  @Test
  func
    `D8: D11: asks the store, and deletes nothing where the listing lacks what was just committed`()
    throws
  {
    let world = try ScriptedWorld(oldBackups: Self.oldBackups) { call in
      guard call == .list else { return nil }
      return .response(
        200, xml: "<EnumerationResults><Blobs></Blobs><NextMarker/></EnumerationResults>")
    }
    guard case .failure(let error, let path?) = try world.run() else {
      Issue.record("\(world.log.text)")
      return
    }
    #expect(error.status == .incomplete)
    #expect(error.stage == .retention)
    #expect(error.cause.contains("nothing was deleted"))
    #expect(world.record[Record.pathKey] == "\(path)")
    #expect(world.blobs.count == 3)
  }

  @Test func `clears its progress bar before it tells why it failed`() throws {
    let world = try ScriptedWorld(snapshot: .snapshot(GatewayStream(lines: [])))
    let bar = ProgressBar(width: 80) { [log = world.log] in log.note($0) }
    _ = try world.run(progressBar: bar)
    let clear = try #require(world.log.writes.lastIndex(of: "\r\u{1B}[K"))
    let error = try #require(world.log.writes.firstIndex { $0.contains("no backup taken") })
    #expect(clear < error)
  }

  @Test(arguments: [
    (ScriptedWorld.Call.status, Stage.member), (.revision, .member), (.snapshot, .snapshot),
    (.putBlock, .snapshot),
  ])
  func `U12: stopped while it waits for an answer leaves nothing behind`(
    call: ScriptedWorld.Call, stage: Stage
  ) throws {
    let isAsked = LogCollector()
    let world = try ScriptedWorld(oldBackups: Self.oldBackups) { asked in
      guard asked == call else { return nil }
      isAsked.note("now")
      return [.hold]
    }
    guard
      case .failure(let error, path: nil) = try world.run(isTerminated: { isAsked.text != "" })
    else {
      Issue.record("\(world.log.text)")
      return
    }
    #expect(error.status == .terminated)
    #expect(error.stage == stage)
    #expect(world.blobs == Self.oldBackups)
    #expect(!world.calls.contains(.commit))
  }
}
