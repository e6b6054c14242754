// Finds known secrets in a text, in whichever way the text spells them.

internal import FoundationEssentials

/// What is looked for. A secret has a few of these: the value itself, and what base64 makes of it.
struct Needle: Hashable {
  let bytes: [UInt8]
  /// Then the characters beside it may hold the rest of the value.
  let isBase64: Bool

  /// From this length on a value is taken out inside a word as well, and when line ends divide it.
  private static let surelyUnique = 8
  /// A group of base64.
  private static let groupSize = 4

  init(_ text: String, isBase64: Bool = false) {
    bytes = Array(text.utf8)
    self.isBase64 = isBase64
  }

  var isUnique: Bool { bytes.count >= Self.surelyUnique }

  /// The value, and every part of its base64 that does not depend on what precedes the value.
  ///
  /// Three bytes are one group, so the value may begin at the first, second, or third byte of one.
  static func spellings(of value: String) -> [Needle] {
    let bytes = Array(value.utf8)
    var all = [Needle(value)]
    for skipped in 0...2 {
      let whole = bytes.dropFirst(skipped)
      let groups = whole.prefix(whole.count / 3 * 3)
      let needle = Needle(Data(groups).base64EncodedString(), isBase64: true)
      if needle.isUnique { all.append(needle) }
    }
    // Many a secret is base64 itself.
    return all + all.map { Needle(urlSafe($0.bytes), isBase64: $0.isBase64) }
  }

  private static func urlSafe(_ bytes: [UInt8]) -> String {
    var text = String(decoding: bytes, as: UTF8.self)
      .replacing("+", with: "-").replacing("/", with: "_")
    while text.last == "=" { text.removeLast() }
    return text
  }

  /// Where it stands in the text with everything that belongs to it, if it begins at `start`.
  func place(in text: SpelledText, from start: Int) -> Range<Int>? {
    guard let end = text.end(of: bytes[...], from: start, mayBeDivided: isUnique) else {
      return nil
    }
    if isBase64 {
      return text.extended(start..<end, by: Self.groupSize)
    }
    return isUnique || text.isWord(start..<end) ? start..<end : nil
  }
}

/// A text whose characters may be escaped as in JSON, URLs, or XML, and divided by line ends.
struct SpelledText {
  let bytes: [UInt8]

  /// Line ends between two characters of a value; a text that is only blanks must not cost much.
  private static let longestGap = 8
  /// Each program that quotes another's text doubles the backslashes.
  private static let mostBackslashes = 8

  /// Whether one of the first two bytes of a value that begins here may be escaped or a blank.
  func isSpelled(at place: Int) -> Bool {
    guard place + 1 < bytes.count else { return true }
    return Self.isSpecial[Int(bytes[place])] || Self.isSpecial[Int(bytes[place + 1])]
  }

  /// What begins an escape, and blanks.
  private static let isSpecial = (0..<256).map { $0 <= 0x20 || "%\\&".utf8.contains(UInt8($0)) }

  /// The bytes with which a value may begin here: the byte itself, and the one that it escapes.
  func beginnings(at place: Int) -> (UInt8, UInt8?) {
    let escaped = character(at: place)?.scalar.utf8.first
    return (bytes[place], escaped == bytes[place] ? nil : escaped)
  }

  /// Where `value` ends if it begins at `start`, spelled in any way.
  func end(of value: ArraySlice<UInt8>, from start: Int, mayBeDivided: Bool) -> Int? {
    var (rest, place, gap) = (value, start, 0)
    while let wanted = rest.first {
      guard place < bytes.count else { return nil }
      if let (scalar, size) = character(at: place), rest.starts(with: scalar.utf8) {
        let after = rest.dropFirst(scalar.utf8.count)
        guard bytes[place] == wanted else {
          (rest, place, gap) = (after, place + size, 0)
          continue
        }
        // What looks like an escape may as well be the value's own characters.
        if let end = end(of: after, from: place + size, mayBeDivided: mayBeDivided) { return end }
        (rest, place, gap) = (rest.dropFirst(), place + 1, 0)
      } else if bytes[place] == wanted {
        (rest, place, gap) = (rest.dropFirst(), place + 1, 0)
      } else if mayBeDivided, place > start, gap < Self.longestGap, let size = blank(at: place) {
        (place, gap) = (place + size, gap + 1)
      } else {
        return nil
      }
    }
    return place
  }

  func extended(_ place: Range<Int>, by most: Int) -> Range<Int> {
    var (start, end) = (place.lowerBound, place.upperBound)
    while start > 0, place.lowerBound - start < most, isOfBase64(bytes[start - 1]) { start -= 1 }
    while end < bytes.count, end - place.upperBound < most, isOfBase64(bytes[end]) { end += 1 }
    return start..<end
  }

  func isWord(_ place: Range<Int>) -> Bool {
    let isLetter = { (index: Int) in
      bytes.indices.contains(index) && (isAlphanumeric(bytes[index]) || bytes[index] >= 0x80)
    }
    return !isLetter(place.lowerBound - 1) && !isLetter(place.upperBound)
  }

  // MARK: Escapes

  /// The character that is escaped here, and how many bytes that takes.
  private func character(at place: Int) -> (scalar: Unicode.Scalar, size: Int)? {
    switch bytes[place] {
    case UInt8(ascii: "%"): return number(at: place + 1, digits: 2, radix: 16).map { ($0, 3) }
    case UInt8(ascii: "\\"): return afterBackslashes(at: place)
    case UInt8(ascii: "&"): return entity(at: place)
    default: return nil
    }
  }

  private func backslashes(at place: Int) -> Int {
    bytes[place...].prefix(Self.mostBackslashes).prefix { $0 == UInt8(ascii: "\\") }.count
  }

  /// `\"` and `\/`, `\u002b` and `\x2b`.
  private func afterBackslashes(at place: Int) -> (Unicode.Scalar, Int)? {
    let count = backslashes(at: place)
    guard place + count < bytes.count else { return nil }
    let next = bytes[place + count]
    switch next {
    case UInt8(ascii: "u"):
      return number(at: place + count + 1, digits: 4, radix: 16).map { ($0, count + 5) }
    case UInt8(ascii: "x"):
      return number(at: place + count + 1, digits: 2, radix: 16).map { ($0, count + 3) }
    case 0x21...0x7E where !isAlphanumeric(next):
      return (Unicode.Scalar(next), count + 1)
    default:
      // One of them, escaped once or more.
      return count > 1 ? ("\\", count) : nil
    }
  }

  /// `&amp;` and `&#43;`.
  private func entity(at place: Int) -> (Unicode.Scalar, Int)? {
    let names: [(String, Unicode.Scalar)] = [
      ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"),
    ]
    let rest = bytes[place...].prefix(10)
    if let (name, scalar) = names.first(where: { rest.starts(with: $0.0.utf8) }) {
      return (scalar, name.utf8.count)
    }
    guard let end = rest.firstIndex(of: UInt8(ascii: ";")), rest.starts(with: "&#".utf8) else {
      return nil
    }
    let isHexadecimal = bytes[place + 2] | 0x20 == UInt8(ascii: "x")
    let start = place + (isHexadecimal ? 3 : 2)
    guard start < end else { return nil }
    return number(at: start, digits: end - start, radix: isHexadecimal ? 16 : 10)
      .map { ($0, end + 1 - place) }
  }

  private func number(at start: Int, digits: Int, radix: Int) -> Unicode.Scalar? {
    guard start + digits <= bytes.count else { return nil }
    var value: UInt32 = 0
    for byte in bytes[start..<start + digits] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, digit < radix else {
        return nil
      }
      value = value * UInt32(radix) + UInt32(digit)
    }
    return Unicode.Scalar(value)
  }

  /// A blank or a line end, escaped or not; returns how many bytes it takes.
  private func blank(at place: Int) -> Int? {
    switch bytes[place] {
    case 0x20, 0x09, 0x0A, 0x0D:
      return 1
    case UInt8(ascii: "\\"):
      let count = backslashes(at: place)
      guard place + count < bytes.count else { return nil }
      if "nrt".utf8.contains(bytes[place + count]) { return count + 1 }
      // A backslash at the end of a line continues it.
      return bytes[place + count] == 0x0A ? count + 1 : escapedBlank(at: place)
    default:
      return escapedBlank(at: place)
    }
  }

  private func escapedBlank(at place: Int) -> Int? {
    guard let (scalar, size) = character(at: place), scalar.value <= 0x20 else { return nil }
    return size
  }

  private func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }

  private func isOfBase64(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || "+/-_=".utf8.contains(byte)
  }
}
