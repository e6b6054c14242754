// The tables of the documentation against the code. What needs a run or the chart is in Integration/test_documentation.py.

import Backup
import Foundation
import SnapshotFile
import Testing

@Suite struct `The documentation` {
  /// The first cell of each row of a table, and the whole row.
  private struct Table {
    let rows: [(first: String, row: String)]

    /// The table below the heading `heading` of `docs/` + `name`.
    init(of name: String, below heading: String) throws {
      let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
      let text = try String(contentsOf: root.appending(path: "docs/\(name)"), encoding: .utf8)
      let chapter = try #require(text.components(separatedBy: "\n\(heading)\n").dropFirst().first)
      let lines = chapter.components(separatedBy: "\n").drop { !$0.hasPrefix("| --- ") }
      rows = lines.dropFirst().prefix { $0.hasPrefix("| ") }.map { row in
        (row.components(separatedBy: " | ")[0].dropFirst(2).description, row)
      }
    }

    var names: [String] { rows.map { $0.first.replacing("`", with: "") } }
  }

  @Test func `lists every variable as the help does, and no other`() throws {
    let table = try Table(of: "configuration.md", below: "## Variables")
    let wanted = Variable.all.map { variable in
      let standing =
        switch variable.defaultValue {
        case .required: "required"
        case .none(let meaning): meaning
        case .value(let value): "`\(value)`"
        }
      return "| `\(variable.name)` | \(standing) | \(variable.summary) |"
    }
    #expect(table.rows.map(\.row) == wanted)
  }

  @Test func `lists every exit status, and no other`() throws {
    let table = try Table(of: "operations.md", below: "## Exit statuses")
    #expect(table.names == Backup.ExitStatus.allCases.map { "\($0.rawValue)" })
  }

  @Test func `lists every key of the record, and no other`() throws {
    let table = try Table(of: "operations.md", below: "### The record")
    let path = try BackupPath("abc/p/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    let record = Record(
      path: path, size: 1, sha256: "", revision: 1, hasQuorum: true, pages: .off, time: 0,
      duration: .zero,
      cluster: ClusterSighting(clusterID: 1, position: RaftPosition(term: 1, index: 1)),
      book: HistoryBook(lineage: path.name))
    let keys = record.fields.keys + [Record.verifiedPathKey, Record.verifiedTimeKey]
    #expect(table.names.sorted() == keys.sorted())
  }
}
