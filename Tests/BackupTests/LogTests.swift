// The log: one line per event, whatever stands in it.

import Backup
import Foundation
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

  func logger(_ format: LogFormat, level: LogLevel = .trace) -> Log {
    Log(level: level, format: format) { self.note($0) }
  }
}

/// The members of a line of JSON whose values are strings.
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
      [
        "snapshot.bytes": "20512", "blob.path": "backups/a b", "etcd.version": "3.4.23",
        "hint": "", "error": #"a "quoted" word"#, "query": "a=b",
      ])
    let line = try #require(collector.writes.first)
    #expect(line.hasPrefix("20"))
    #expect(
      line.drop { $0 != " " }
        == #" INFO  backup stored: a "quoted" word  blob.path="backups/a b" "#
        + #"etcd.version=3.4.23 query="a=b" snapshot.bytes=20512"# + "\n")
  }

  @Test func `as text has the stage first, and what to do on a line of its own`() throws {
    let collector = LogCollector()
    collector.logger(.text).error(
      "no backup taken",
      ["stage": "container", "error": "it is not there", "hint": "Create it.", "exit.status": 78])
    let event = try #require(collector.writes.first)
    #expect(
      event.drop { $0 != " " }
        == " ERROR [container] no backup taken: it is not there  exit.status=78\n"
        + "    hint: Create it.\n")
  }

  @Test func `as JSON begins with time, level and message, and goes on in the order of the keys`()
    throws
  {
    let collector = LogCollector()
    collector.logger(.json).warning(
      "a/b", ["stage": "member", "etcd.endpoint": "http://a:1", "attempt": "2"])
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
    let logger = collector.logger(format).with(["run.id": "0123", "stage": "member"])
    logger.info("one")
    logger.info("two", ["stage": "commit"])
    #expect(collector.writes[0].contains("0123"))
    #expect(collector.writes[0].contains("member"))
    #expect(collector.writes[1].contains("0123"))
    #expect(collector.writes[1].contains("commit"))
    #expect(!collector.writes[1].contains("member"))
  }

  @Test(arguments: [
    (LogLevel.trace, 5), (.debug, 4), (.info, 3), (.warning, 2), (.error, 1),
  ])
  func `tells what is as grave as its level, and nothing else`(level: LogLevel, count: Int) {
    let collector = LogCollector()
    let logger = collector.logger(.text, level: level)
    for level in LogLevel.allCases { logger.log(level, "event") }
    #expect(collector.writes.count == count)
  }

  @Test(arguments: [
    (LogLevel.trace, "trace"), (.debug, "debug"), (.info, "info"), (.warning, "warn"),
    (.error, "error"),
  ])
  func `as JSON names levels as the predecessor did`(level: LogLevel, name: String) {
    let collector = LogCollector()
    collector.logger(.json).log(level, "event")
    #expect(collector.text.contains(#","level":"\#(name)","#))
  }

  @Test(arguments: [
    (LogLevel.trace, "TRACE event"), (.debug, "DEBUG event"), (.info, "INFO  event"),
    (.warning, "WARN  event"), (.error, "ERROR event"),
  ])
  func `as text names levels in capitals, and messages stand below one another`(
    level: LogLevel, name: String
  ) {
    let collector = LogCollector()
    collector.logger(.text).log(level, "event")
    #expect(collector.text.dropFirst(21).hasPrefix(name))
  }

  @Test func `O2: as JSON has numbers and Booleans as such`() throws {
    let collector = LogCollector()
    collector.logger(.json).info(
      "a",
      [
        "b": 20_512, "c": UInt64.max, "d": true, "e": Duration.milliseconds(12_340), "f": "7",
        "g": nil as Int?,
      ])
    let line = try #require(collector.writes.first)
    #expect(
      line.hasSuffix(#""b":20512,"c":18446744073709551615,"d":true,"e":12.340,"f":"7"}"# + "\n"))
  }

  @Test func `O2: as text has them without quotes`() throws {
    let collector = LogCollector()
    collector.logger(.text).info("a", ["b": 20_512, "d": false])
    #expect(try #require(collector.writes.first).hasSuffix(" b=20512 d=false\n"))
  }

  // MARK: Hostile texts

  static let hostile = [
    "a\nb", "a\r\nlevel=info msg=\"backup recorded\"", "a\u{0}b", "\u{1B}[2K\u{1B}[1A", "\u{7F}",
    "a\u{85}b", "a\u{2028}b\u{2029}c", "\u{9B}31m", "\\", "\"", "\\\"", "\t", "é ü 日本 🎉",
    "\u{202E}gpj.exe", "\u{2066}a\u{200B}b\u{FEFF}", "\u{E0041}", "{\"msg\":\"backup recorded\"}",
    "=", "", " ",
  ]

  @Test(arguments: [LogFormat.json, .text], hostile)
  func `is one line per event, whatever stands in it`(format: LogFormat, text: String) throws {
    let collector = LogCollector()
    let fields: LogFields = ["error": "\(text)", "a": "\(text)", "zz": "end", "stage": "\(text)"]
    collector.logger(format).error("\(text)", fields)
    #expect(collector.writes.count == 1)
    let line = try #require(collector.writes.first)
    #expect(line.hasSuffix(format == .json ? "\"zz\":\"end\"}\n" : " zz=end\n"))
    collector.logger(format).error("\(text)", fields.merging(["hint": "\(text)."]) { $1 })
    let hints = collector.writes[1].dropLast().split(separator: "\n").dropFirst()
    #expect(
      hints.count == (format == .json ? 0 : 1) && hints.allSatisfy { $0.hasPrefix("    hint: ") })
    // All that ends lines anywhere, and all that a terminal obeys.
    let controls = line.dropLast().unicodeScalars.filter {
      [.control, .format, .lineSeparator, .paragraphSeparator]
        .contains($0.properties.generalCategory)
    }
    #expect(controls.isEmpty)
  }

  @Test(arguments: hostile)
  func `as JSON gives back what was put in`(text: String) throws {
    let collector = LogCollector()
    collector.logger(.json).error("\(text)", ["error": "\(text)"])
    let members = try members(of: try #require(collector.writes.first))
    #expect(members.count == 4)
    #expect(members.filter { $0.value == text }.map(\.key).sorted() == ["error", "msg"])
  }
}
