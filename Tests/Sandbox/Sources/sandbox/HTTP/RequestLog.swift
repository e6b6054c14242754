// requests.jsonl: one line for every request, for tests to read.

import Foundation

/// Appends lines to a file, one `write(2)` each, so that a killed process leaves only whole lines.
final class RequestLog: Sendable {
  struct Entry: Encodable, Sendable {
    var time: String
    var service: String
    var operation: String
    var method: String
    var target: String
    /// `nil` when no answer was sent.
    var status: Int?
    var bytesIn = 0
    var bytesOut = 0
    var fault: String?
    /// The service's error code or reason.
    var error: String?
  }

  private let file: OpenFile

  init(file: String) throws {
    self.file = try OpenFile(appendingTo: file)
  }

  func append(_ entry: Entry) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // An Entry holds only strings and integers, which always encode; a full disk is not ours to mend.
    guard var line = try? encoder.encode(entry) else { return }
    line.append(UInt8(ascii: "\n"))
    try? file.write(line)
  }
}
