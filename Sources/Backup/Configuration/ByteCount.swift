// Sizes as people write them (`8MiB`, `4194304`) and as logs show them.

package enum ByteCount {
  private static let units: [(name: String, factor: Int)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
  ]

  /// A whole number of bytes, or of KiB, MiB or GiB; `nil` for anything else.
  package static func parse(_ text: String) -> Int? {
    let unit = units.first { text.hasSuffix($0.name) }
    let digits = text.dropLast(unit?.name.utf8.count ?? 0)
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }),
      let number = Int(digits)
    else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit?.factor ?? 1)
    return overflow ? nil : bytes
  }

  /// `1.4 GiB`, `700 B`: for people, never for parsing.
  package static func describe(_ bytes: UInt64) -> String {
    guard let unit = units.last(where: { bytes >= UInt64($0.factor) }) else { return "\(bytes) B" }
    let tenths = (Double(bytes) / Double(unit.factor) * 10).rounded() / 10
    return "\(tenths) \(unit.name)"
  }
}
