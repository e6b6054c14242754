// Base64 as age's header has it.

/// The standard alphabet without padding. Unused bits are zero, so every value has exactly one text.
enum HeaderBase64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private static let values: [UInt8?] = {
    var values = [UInt8?](repeating: nil, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()

  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    var pending = 0
    var bitCount = 0
    for byte in bytes {
      pending = pending << 8 | Int(byte)
      bitCount += 8
      while bitCount >= 6 {
        bitCount -= 6
        text.append(alphabet[pending >> bitCount & 63])
      }
      pending &= 1 << bitCount - 1
    }
    if bitCount > 0 { text.append(alphabet[pending << (6 - bitCount)]) }
    return text
  }

  /// Returns `nil` where `text` is not the one text of any bytes.
  static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    guard text.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    var pending = 0
    var bitCount = 0
    for character in text {
      guard let value = values[Int(character)] else { return nil }
      pending = pending << 6 | Int(value)
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(pending >> bitCount))
      }
      pending &= 1 << bitCount - 1
    }
    return pending == 0 ? bytes : nil
  }
}
