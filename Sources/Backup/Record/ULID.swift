// The name of one backup: 48 bits of milliseconds since 1970 and 80 random bits, as 26 characters of Crockford's base32.

/// The name of a backup, such as `01M8H9A5B557JCAZCFMESH96PC`: milliseconds, then 80 random bits.
///
/// Text order is time order. See https://github.com/ulid/spec.
package struct ULID: Hashable, Sendable, CustomStringConvertible {
  /// The time and the first 16 random bits, then the other 64.
  private let high: UInt64
  private let low: UInt64

  private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
  private static let length = 26

  /// Only the lowest 48 bits of `milliseconds` and 16 of `randomHigh` count.
  package init(milliseconds: UInt64, randomHigh: UInt16, randomLow: UInt64) {
    high = milliseconds << 16 | UInt64(randomHigh)
    low = randomLow
  }

  /// A new name for a backup taken now.
  package init(milliseconds: UInt64) {
    self.init(
      milliseconds: milliseconds, randomHigh: .random(in: 0 ... .max),
      randomLow: .random(in: 0 ... .max))
  }

  /// Returns `nil` unless `text` is a ULID in its canonical, upper-case form.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count == Self.length else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for (index, character) in text.utf8.enumerated() {
      guard let digit = Self.alphabet.firstIndex(of: character), index > 0 || digit < 8 else {
        return nil
      }
      high = high << 5 | low >> 59
      low = low << 5 | UInt64(digit)
    }
    self.high = high
    self.low = low
  }

  /// Since 1970-01-01T00:00:00Z, by the clock of the machine that took the backup.
  package var milliseconds: UInt64 { high >> 16 }

  package var description: String {
    var characters: [UInt8] = []
    var high = high
    var low = low
    for _ in 0..<Self.length {
      characters.append(Self.alphabet[Int(low & 31)])
      low = low >> 5 | high << 59
      high >>= 5
    }
    return String(decoding: characters.reversed(), as: UTF8.self)
  }
}

extension ULID: Comparable {
  package static func < (one: ULID, other: ULID) -> Bool {
    (one.high, one.low) < (other.high, other.low)
  }
}
