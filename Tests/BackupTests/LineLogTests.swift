/// The log: one line per event, whatever stands in it.

import Backup
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

/// A log whose lines a test can read.
final class LogCollector: Sendable {
  private let written = Mutex<[String]>([])

  /// What each call of `write` got.
  var writes: [String] { written.withLock { $0 } }

  var text: String { writes.joined() }

  func note(_ text: String) { written.withLock { $0.append(text) } }

  func logger(_ format: LogFormat, level: Logger.Level = .trace) -> Logger {
    Logger(label: "test") { _ in
      LineLog(level: level, format: format) { line in self.note(line) }
    }
  }
}

/// The members of a line of JSON in their order, each a string.
func members(of line: String) throws -> [(key: String, value: String)] {
  let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
  let fields = try #require(object as? [String: String])
  return fields.map { ($0.key, $0.value) }
}

@Suite struct `The log` {
  @Test func `as text is made for people`() throws {
    let collector = LogCollector()
    collector.logger(.text).info(
      "backup stored",
      metadata: [
        "snapshot.bytes": "20512", "blob.path": "backups/a b", "etcd.version": "3.4.23",
        "hint": "", "error": #"a "quoted" word"#, "query": "a=b",
      ])
    let line = try #require(collector.writes.first)
    #expect(line.hasPrefix("time=20"))
    #expect(
      line.drop { $0 != " " }
        == #" level=info msg="backup stored" blob.path="backups/a b" "#
        + #"error="a \"quoted\" word" etcd.version=3.4.23 hint="" query="a=b" "#
        + "snapshot.bytes=20512\n")
  }

  @Test func `as JSON begins with time, level and message, and goes on in the order of the keys`()
    throws
  {
    let collector = LogCollector()
    collector.logger(.json).warning(
      "a/b", metadata: ["stage": "member", "etcd.endpoint": "http://a:1", "attempt": "2"])
    let line = try #require(collector.writes.first)
    #expect(line.hasPrefix(#"{"time":"20"#))
    #expect(
      line.drop { $0 != "," }
        == #","level":"warn","msg":"a/b","attempt":"2","etcd.endpoint":"http://a:1","#
        + #""stage":"member"}"# + "\n")
  }

  @Test(arguments: [LogFormat.json, .text])
  func `carries what belongs to every line, unless an event says otherwise`(format: LogFormat) {
    let collector = LogCollector()
    var logger = collector.logger(format)
    logger[metadataKey: "run.id"] = "0123"
    logger[metadataKey: "stage"] = "member"
    logger.info("one")
    logger.info("two", metadata: ["stage": "commit"])
    #expect(collector.writes[0].contains("0123"))
    #expect(collector.writes[0].contains("member"))
    #expect(collector.writes[1].contains("0123"))
    #expect(collector.writes[1].contains("commit"))
    #expect(!collector.writes[1].contains("member"))
  }

  @Test(arguments: [
    (Logger.Level.trace, 7), (.debug, 6), (.info, 5), (.warning, 3), (.error, 2), (.critical, 1),
  ])
  func `tells what is as grave as its level, and nothing else`(level: Logger.Level, count: Int) {
    let collector = LogCollector()
    let logger = collector.logger(.text, level: level)
    for level in Logger.Level.allCases { logger.log(level: level, "event") }
    #expect(collector.writes.count == count)
  }

  @Test(arguments: [
    (Logger.Level.trace, "trace"), (.debug, "debug"), (.info, "info"), (.notice, "info"),
    (.warning, "warn"), (.error, "error"), (.critical, "fatal"),
  ])
  func `names levels as the predecessor did`(level: Logger.Level, name: String) {
    let collector = LogCollector()
    collector.logger(.text).log(level: level, "event")
    #expect(collector.text.contains(" level=\(name) "))
  }

  // MARK: Hostile texts

  static let hostile = [
    "a\nb", "a\r\nlevel=info msg=\"backup recorded\"", "a\u{0}b", "\u{1B}[2K\u{1B}[1A", "\u{7F}",
    "a\u{85}b", "a\u{2028}b\u{2029}c", "\u{9B}31m", "\\", "\"", "\\\"", "\t", "é ü 日本 🎉",
    "\u{202E}gpj.exe", "{\"msg\":\"backup recorded\"}", "=", "", " ",
  ]

  @Test(arguments: [LogFormat.json, .text], hostile)
  func `is one line per event, whatever stands in it`(format: LogFormat, text: String) throws {
    let collector = LogCollector()
    collector.logger(format).error("\(text)", metadata: ["error": "\(text)", "zz": "end"])
    #expect(collector.writes.count == 1)
    let line = try #require(collector.writes.first)
    #expect(line.hasSuffix(format == .json ? "\"zz\":\"end\"}\n" : " zz=end\n"))
    // All that ends lines anywhere, and all that a terminal obeys.
    let controls = line.dropLast().unicodeScalars.filter {
      $0.properties.generalCategory == .control || $0 == "\u{2028}" || $0 == "\u{2029}"
    }
    #expect(controls.isEmpty)
  }

  @Test(arguments: hostile)
  func `as JSON gives back what was put in`(text: String) throws {
    let collector = LogCollector()
    collector.logger(.json).error("\(text)", metadata: ["error": "\(text)"])
    let members = try members(of: try #require(collector.writes.first))
    #expect(members.count == 4)
    #expect(members.filter { $0.value == text }.map(\.key).sorted() == ["error", "msg"])
  }
}
