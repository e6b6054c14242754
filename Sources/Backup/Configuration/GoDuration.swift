// Durations as Go writes and parses them (`72h`, `1h30m`, `1.5s`): what the configuration has always used.

/// See https://pkg.go.dev/time#ParseDuration.
package enum GoDuration {
  /// Returns `nil` where Go would report an error, beyond ±2^63 nanoseconds (292 years) included.
  package static func parse(_ text: String) -> Duration? {
    var rest = text[...].unicodeScalars
    var isNegative = false
    if let sign = rest.first, sign == "-" || sign == "+" {
      isNegative = sign == "-"
      rest.removeFirst()
    }
    if rest.elementsEqual("0".unicodeScalars) { return .zero }
    guard !rest.isEmpty else { return nil }

    var total: UInt64 = 0
    while !rest.isEmpty {
      guard let amount = takeAmount(&rest), let unit = takeUnit(&rest),
        let part = nanoseconds(amount, unit)
      else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(part)
      guard !overflow, sum <= 1 << 63 else { return nil }
      total = sum
    }
    if isNegative { return .nanoseconds(Int64(truncatingIfNeeded: 0 &- total)) }
    guard total < 1 << 63 else { return nil }
    return .nanoseconds(Int64(total))
  }

  /// `whole.fraction`, where the fraction counts `1/scale`.
  private struct Amount {
    var whole: UInt64 = 0
    var fraction: UInt64 = 0
    var scale: Double = 1
  }

  private static func takeAmount(_ rest: inout Substring.UnicodeScalarView) -> Amount? {
    var amount = Amount()
    var digits = 0
    while let digit = digit(rest.first) {
      let (tens, overflow) = amount.whole.multipliedReportingOverflow(by: 10)
      guard !overflow, tens <= (1 << 63) - digit else { return nil }
      amount.whole = tens + digit
      digits += 1
      rest.removeFirst()
    }
    guard rest.first == "." else { return digits > 0 ? amount : nil }
    rest.removeFirst()
    var fits = true
    while let digit = digit(rest.first) {
      // Go drops the digits beyond 63 bits as well: less than any nanosecond can show.
      let (tens, overflow) = amount.fraction.multipliedReportingOverflow(by: 10)
      fits = fits && !overflow && tens <= (1 << 63) - digit
      if fits {
        amount.fraction = tens + digit
        amount.scale *= 10
      }
      digits += 1
      rest.removeFirst()
    }
    return digits > 0 ? amount : nil
  }

  private static func takeUnit(_ rest: inout Substring.UnicodeScalarView) -> UInt64? {
    var name = ""
    while let scalar = rest.first, scalar != ".", digit(scalar) == nil {
      name.unicodeScalars.append(scalar)
      rest.removeFirst()
    }
    return switch name {
    case "ns": 1
    case "us", "\u{B5}s", "\u{3BC}s": 1000
    case "ms": 1_000_000
    case "s": 1_000_000_000
    case "m": 60_000_000_000
    case "h": 3_600_000_000_000
    default: nil
    }
  }

  private static func nanoseconds(_ amount: Amount, _ unit: UInt64) -> UInt64? {
    let (whole, overflow) = amount.whole.multipliedReportingOverflow(by: unit)
    guard !overflow, whole <= 1 << 63 else { return nil }
    return whole + UInt64(Double(amount.fraction) * (Double(unit) / amount.scale))
  }

  private static func digit(_ scalar: Unicode.Scalar?) -> UInt64? {
    guard let scalar, ("0"..."9").contains(scalar) else { return nil }
    return UInt64(scalar.value - 48)
  }
}
