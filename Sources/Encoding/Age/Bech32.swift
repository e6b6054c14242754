// Bech32 (BIP 173), without its limit on the length: how age spells keys.

internal import Digests

/// What is wrong with a text as Bech32.
package enum Bech32Fault: Error, Equatable {
  case mixedCase
  /// Positions count from 1.
  case foreignCharacter(position: Int)
  /// No `1`, nothing in front of the last one, or fewer than six characters behind it.
  case incomplete
  case wrongChecksum
  /// The bits that fill the last character are not zero.
  case unusedBits
}

/// A decoded text. What it holds may be a private key, so it is wiped.
struct Bech32: ~Copyable {
  /// In lower case.
  let prefix: String
  let isUpperCase: Bool
  let data: SecretBytes

  private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
  private static let checksumLength = 6
  private static let separator = UInt8(ascii: "1")

  private static let values: [UInt8?] = {
    var values = [UInt8?](repeating: nil, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()

  init(_ text: RawSpan) throws(Bech32Fault) {
    let isUpperCase = try Self.isUpperCase(text)
    guard
      let separator = (0..<text.byteCount).last(where: { text.byte(at: $0) == Self.separator }),
      separator > 0, text.byteCount - separator - 1 >= Self.checksumLength
    else { throw .incomplete }
    let prefix = (0..<separator).map { Self.lowercased(text.byte(at: $0)) }
    let count = text.byteCount - separator - 1
    var values = SecretBytes(zeros: count)
    for index in 0..<count {
      let position = separator + 1 + index
      guard let value = Self.values[Int(Self.lowercased(text.byte(at: position)))] else {
        throw .foreignCharacter(position: position + 1)
      }
      values[index] = value
    }
    guard Self.remainder(prefix: prefix, values: values) == 1 else { throw .wrongChecksum }
    data = try Self.bytes(of: values, count: count - Self.checksumLength)
    self.prefix = String(decoding: prefix, as: UTF8.self)
    self.isUpperCase = isUpperCase
  }

  /// The text, in lower case, of bytes that are no secret.
  static func encode(prefix: String, _ bytes: [UInt8]) -> String {
    var values: [UInt8] = []
    var pending = 0
    var bitCount = 0
    for byte in bytes {
      pending = pending << 8 | Int(byte)
      bitCount += 8
      while bitCount >= 5 {
        bitCount -= 5
        values.append(UInt8(pending >> bitCount & 31))
      }
      pending &= 1 << bitCount - 1
    }
    if bitCount > 0 { values.append(UInt8(pending << (5 - bitCount) & 31)) }
    let blank = [UInt8](repeating: 0, count: checksumLength)
    let padded = values + blank
    let checksum =
      unsafe 1
      ^ remainder(
        prefix: Array(prefix.utf8), values: SecretBytes(copying: padded.span.bytes))
    for index in 0..<checksumLength {
      values.append(UInt8(checksum >> UInt32(5 * (checksumLength - 1 - index)) & 31))
    }
    return prefix + "1" + String(decoding: values.map { alphabet[Int($0)] }, as: UTF8.self)
  }

  private static func isUpperCase(_ text: RawSpan) throws(Bech32Fault) -> Bool {
    var hasLower = false
    var hasUpper = false
    for index in 0..<text.byteCount {
      switch text.byte(at: index) {
      case UInt8(ascii: "a")...UInt8(ascii: "z"): hasLower = true
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): hasUpper = true
      case 0x21...0x7E: break
      default: throw .foreignCharacter(position: index + 1)
      }
    }
    guard !(hasLower && hasUpper) else { throw .mixedCase }
    return hasUpper
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  /// The remainder of the checksum's polynomial division; 1 for a text without a fault.
  private static func remainder(prefix: [UInt8], values: borrowing SecretBytes) -> UInt32 {
    var remainder: UInt32 = 1
    for byte in prefix { step(&remainder, byte >> 5) }
    step(&remainder, 0)
    for byte in prefix { step(&remainder, byte & 31) }
    for index in 0..<values.count { step(&remainder, values[index]) }
    return remainder
  }

  private static func step(_ remainder: inout UInt32, _ value: UInt8) {
    let top = remainder >> 25
    remainder = (remainder & 0x1FF_FFFF) << 5 ^ UInt32(value)
    let generator: [UInt32] = [
      0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3,
    ]
    for index in 0..<5 where top >> UInt32(index) & 1 == 1 { remainder ^= generator[index] }
  }

  /// The bytes in the first `count` values of five bits.
  private static func bytes(
    of values: borrowing SecretBytes, count: Int
  ) throws(Bech32Fault) -> SecretBytes {
    guard count * 5 % 8 < 5 else { throw .unusedBits }
    var bytes = SecretBytes(zeros: count * 5 / 8)
    var pending = 0
    var bitCount = 0
    var next = 0
    for index in 0..<count {
      pending = pending << 5 | Int(values[index])
      bitCount += 5
      if bitCount >= 8 {
        bitCount -= 8
        bytes[next] = UInt8(pending >> bitCount)
        next += 1
      }
      pending &= 1 << bitCount - 1
    }
    guard pending == 0 else { throw .unusedBits }
    return bytes
  }
}
