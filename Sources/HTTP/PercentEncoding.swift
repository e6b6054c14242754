// Percent-encoding (RFC 3986, 2.1): everything but unreserved characters, which is what Azure's own clients send.

package enum PercentEncoding {
  /// One path segment or one query name or value.
  package static func encode(_ text: String) -> String {
    encode(text, keeping: [])
  }

  /// A path: like `encode`, but the slashes between its segments stay.
  package static func encodePath(_ path: String) -> String {
    encode(path, keeping: [UInt8(ascii: "/")])
  }

  /// The text that was encoded, or `nil` where a `%` does not begin an octet or no UTF-8 comes out.
  package static func decode(_ text: String) -> String? {
    var decoded: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        decoded.append(byte)
        continue
      }
      let digits = rest.prefix(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
      guard digits.count == 2 else { return nil }
      decoded.append(UInt8(digits[0] << 4 | digits[1]))
      rest = rest.dropFirst(2)
    }
    return String(validating: decoded, as: UTF8.self)
  }

  private static func encode(_ text: String, keeping kept: [UInt8]) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in text.utf8 {
      if isUnreserved(byte) || kept.contains(byte) {
        encoded.append(byte)
      } else {
        encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default:
      false
    }
  }
}
