// The result of a run in the status of its container: one line of JSON that Kubernetes takes whole.

import Backup
import Foundation
import Hints
import HTTP
import SnapshotFile
import Testing
import TestSupport

@Suite struct `A termination message` {
  struct Message: Decodable {
    var result: String
    var status: Int
    var version: String
    var path: String?
    var bytes: Int?
    var sha256: String?
    var stage: String?
    var cause: String?
    var hint: String?
  }

  let record: Record

  init() throws {
    record = Record(
      path: try BackupPath("backups/service-catalog/01ARZ3NDEKTSV4RRFFQ69G5FAV"), size: 20_512,
      sha256: SnapshotFixture.sha256OfFile, revision: 6, hasQuorum: true, pages: .off, time: 0,
      duration: .seconds(1),
      cluster: ClusterSighting(clusterID: 1, position: RaftPosition(term: 1, index: 1)), book: nil)
  }

  /// An error whose words are another's.
  struct Foreign: OperatorError {
    let description: String
    var hint: String?
    var isConfiguration = false
    var stopReason: StopReason? { nil }
  }

  func decode(_ line: String) throws -> Message {
    try JSONDecoder().decode(Message.self, from: Data(line.utf8))
  }

  @Test func `of a success names the backup`() throws {
    let line = TerminationMessage.render(.success(record))
    let message = try decode(line)
    #expect(message.result == "success")
    #expect(message.status == 0)
    #expect(message.version == Version.current)
    #expect(message.path == "\(record.path)")
    #expect(message.bytes == 20_512)
    #expect(message.sha256 == SnapshotFixture.sha256OfFile)
    #expect(message.cause == nil)
    #expect(line.contains("\(record.path)"))
  }

  @Test func `of a failure names stage, cause and hint`() throws {
    let error = RunError(Foreign(description: "etcd is away", hint: "is it?"), in: .member)
    let message = try decode(TerminationMessage.render(.failure(error, path: nil)))
    #expect(message.result == "failure")
    #expect(message.status == 1)
    #expect(message.stage == "member")
    #expect(message.cause == "etcd is away")
    #expect(message.hint == "is it?")
    #expect(message.path == nil)
  }

  @Test func `C1: of a backup that was stored but not recorded names its path`() throws {
    let error = RunError(Foreign(description: "the API server is away"), in: .record)
    let message = try decode(TerminationMessage.render(.failure(error, path: record.path)))
    #expect(message.result == "incomplete")
    #expect(message.status == 2)
    #expect(message.path == "\(record.path)")
    #expect(message.stage == "record")
  }

  @Test func `of a wrong configuration names every mistake`() throws {
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration(environment: ["APP_ABS_SECRET_NAME": "secret"]) { _ in [] }
    }
    let message = try decode(
      TerminationMessage.render(
        RunError(try #require(error), in: .configuration)))
    #expect(message.result == "failure")
    #expect(message.status == 78)
    #expect(message.stage == "configuration")
    #expect(message.cause?.contains("APP_WORKING_NAMESPACE") == true)
    #expect(message.cause?.contains("APP_CLEANER_EXPIRATION_BLOB_TIME") == true)
  }

  static let hostile = [
    "a\nb\r\nc", "\u{0}", "\u{1B}[2K", "\"}{\"result\":\"success\"}", "\\", "é", "日", "🎉",
    // One character to Swift, as many bytes as one likes.
    "👩‍👩‍👧‍👦", "e" + String(repeating: "\u{301}", count: 300),
    "\u{2028}", "\u{FFFD}",
  ]

  @Test(arguments: hostile, [1, 400, 700, 1400, 5000])
  func `fits into 4096 bytes and one line, whatever the cause is`(text: String, times: Int) throws {
    let text = String(repeating: text, count: times)
    for stage in [Stage.member, .record] {
      let error = RunError(Foreign(description: text, hint: text), in: stage)
      let path = stage == .record ? record.path : nil
      let line = TerminationMessage.render(.failure(error, path: path))
      #expect(line.utf8.count < 4096)
      #expect(line.split(whereSeparator: \.isNewline).count == 1)
      let message = try decode(line)
      #expect(message.result == (path == nil ? "failure" : "incomplete"))
      #expect(message.path == path.map { "\($0)" })
      let cause = try #require(message.cause)
      #expect(cause == text || cause.hasSuffix("…"))
      #expect(!cause.isEmpty)
    }
  }

  @Test func `keeps as much of a long cause as there is room for`() throws {
    let text = String(repeating: "x", count: 10_000)
    let error = RunError(Foreign(description: text, hint: "look here"), in: .member)
    let message = try decode(TerminationMessage.render(error))
    #expect(try #require(message.cause).utf8.count > 1000)
    #expect(message.hint == "look here")
  }

  // MARK: The file

  @Test func `replaces what stands in the file, and ends its line`() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID())")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(repeating: 65, count: 1000).write(to: file)
    TerminationMessage.write("{}", to: file.path)
    #expect(try String(contentsOf: file, encoding: .utf8) == "{}\n")
  }

  @Test func `makes no file where there is none`() {
    let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID())").path
    TerminationMessage.write("{}", to: path)
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
