// How hard zstd tries.

/// A compression level from 1, the fastest, to 6. Higher ones cost far more time than they save.
package struct ZstdLevel: Hashable, Sendable {
  package static let range = 1...6
  package static let fastest = ZstdLevel(unchecked: 1)

  package let number: Int

  private init(unchecked number: Int) {
    self.number = number
  }

  /// Returns `nil` outside of `range`.
  package init?(_ number: Int) {
    guard Self.range.contains(number) else { return nil }
    self.number = number
  }

  /// What compressing takes at most, in bytes.
  package var memory: Int {
    switch number {
    case 1, 2: 2 << 20
    case 3: 4 << 20
    default: 6 << 20
    }
  }
}
