// What sets one run apart from every other: 64 random bits, written as 16 lower-case hex digits.

package struct RunID: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ bits: UInt64) {
    let digits = String(bits, radix: 16)
    description = String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  package static func random() -> RunID {
    RunID(.random(in: .min ... .max))
  }
}
