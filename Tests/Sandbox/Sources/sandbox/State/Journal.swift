// The committed blobs of a container on disk: a file to which every change appends one line.

import Foundation

/// `{"put": RECORD}` makes or replaces a blob, `{"delete": NAME}` removes one; later lines win.
///
/// One `write(2)` per line: a killed process leaves at most a last line without its end, which
/// never was answered for and is dropped.
final class Journal: Sendable {
  private struct Line: Codable {
    var put: BlobRecord?
    var delete: String?
  }

  private let output: OpenFile

  /// Opens the file for more lines; `records` become what its lines so far amount to.
  init(file: String, recovering records: inout [String: BlobRecord]) throws {
    let bytes = Files.exists(file) ? try Files.read(file) : Data()
    let whole = bytes.prefix(bytes.lastIndex(of: UInt8(ascii: "\n")) ?? 0)
    // All lines as one array: decoding 100,000 of them one by one takes seconds.
    let array = Data("[".utf8) + whole.map { $0 == 10 ? UInt8(ascii: ",") : $0 } + Data("]".utf8)
    let lines = try JSONDecoder().decode([Line].self, from: array)
    records = [:]
    for line in lines {
      if let record = line.put { records[record.name] = record }
      if let name = line.delete { records[name] = nil }
    }
    if bytes.last.map({ $0 != UInt8(ascii: "\n") }) ?? false || lines.count > 2 * records.count + 16
    {
      let kept = try records.values.map { try Self.encoded(Line(put: $0)) }
      try Files.replace(file, with: kept.reduce(into: Data()) { $0.append($1) })
    }
    output = try OpenFile(appendingTo: file)
  }

  func put(_ record: BlobRecord) throws { try output.write(Self.encoded(Line(put: record))) }
  func delete(_ name: String) throws { try output.write(Self.encoded(Line(delete: name))) }

  private static func encoded(_ line: Line) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(line) + Data("\n".utf8)
  }
}
