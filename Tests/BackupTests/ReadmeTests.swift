/// README.md says what the program does: its tables are held against the code.

import Backup
import Bolt
import Foundation
import Testing

@Suite struct `The README` {
  private let text: String

  init() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    text = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
  }

  @Test(arguments: Variable.all)
  func `documents every variable as the help does`(variable: Variable) {
    let standing =
      switch variable.defaultValue {
      case .required: "required"
      case .none(let meaning): meaning
      case .value(let value): "`\(value)`"
      }
    #expect(text.contains("\n| `\(variable.name)` | \(standing) | \(variable.summary) |\n"))
  }

  @Test(arguments: Backup.ExitStatus.allCases)
  func `documents every exit status`(status: Backup.ExitStatus) {
    #expect(text.contains("\n| \(status.rawValue) | "))
  }

  @Test func `documents every key of the record`() throws {
    let path = try BackupPath("abc/p/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    let record = Record(
      path: path, size: 1, sha256: "", revision: 1, hasQuorum: true, pages: .off, time: 0,
      duration: .zero,
      cluster: ClusterSighting(clusterID: 1, position: RaftPosition(term: 1, index: 1)),
      book: HistoryBook(lineage: path.name))
    for key in record.fields.keys.sorted() + [Record.verifiedPathKey, Record.verifiedTimeKey] {
      #expect(text.contains("\n| `\(key)` | "), "\(key) is missing")
    }
  }
}
