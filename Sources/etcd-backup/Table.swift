// Rows under headings, each column as wide as its widest cell.

internal import Console

struct Table {
  private let columns: [String]
  private var rows: [[String]] = []

  init(columns: [String]) {
    self.columns = columns
  }

  mutating func add(_ row: [String]) {
    precondition(row.count == columns.count, "a row has one cell for each column")
    // Before anything is measured: what does not print has no width.
    rows.append(row.map(Printable.text))
  }

  func lines() -> [String] {
    let lines = [columns] + rows
    let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      let cells = zip(line, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }
      var text = cells.joined(separator: "  ")[...]
      while text.last == " " { text.removeLast() }
      return String(text)
    }
  }
}
