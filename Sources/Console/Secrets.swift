// The secrets of this process by value: registered where they are read, taken out of everything that is printed.

internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// A server, a proxy or a library may repeat a secret anywhere. So it is looked for by its value, in
/// the forms in which it can be on the way, and not in the places where it is expected.
package enum Secrets {
  package static let replacement = "<redacted>"

  /// A shorter value is part of ordinary words: taking it out would hide the message and, by the
  /// gaps, tell the secret.
  package static let shortest = 6
  /// From this length on a value is taken out inside a word as well.
  private static let surelyUnique = 8
  /// Signatures of that many requests are remembered.
  private static let mostPassing = 64

  private struct Registry {
    var known: Set<[UInt8]> = []
    var passing: [[UInt8]] = []
    /// Longest first, so that no part of a longer one is left.
    var forms: [[UInt8]] = []
  }

  private static let registry = Mutex(Registry())

  package static func register(_ text: String) {
    let all = forms(of: text)
    registry.withLock { registry in
      let new = all.filter { registry.known.insert($0).inserted }
      guard !new.isEmpty else { return }
      registry.forms = (registry.forms + new).sorted { $0.count > $1.count }
    }
  }

  /// Remembers what is a secret of one request; the oldest of them are forgotten.
  package static func registerPassing(_ text: String) {
    let all = forms(of: text)
    registry.withLock { registry in
      registry.passing.append(contentsOf: all)
      registry.passing.removeFirst(max(0, registry.passing.count - mostPassing))
    }
  }

  /// Registers each line between the marks of a PEM text.
  package static func registerPrivateKey(_ pem: some Collection<UInt8>) {
    for line in String(decoding: pem, as: UTF8.self).split(whereSeparator: \.isNewline)
    where !line.contains("-----") && !line.contains(":") {
      register(String(line))
    }
  }

  /// Registers user and password of a proxy's URL; an odd URL's as well, since libcurl quotes it
  /// when it cannot read it.
  package static func registerProxy(_ url: String) {
    guard let at = url.lastIndex(of: "@") else { return }
    var start = url.startIndex
    if let scheme = url.firstRange(of: "://"), scheme.upperBound <= at { start = scheme.upperBound }
    let user = url[start..<at]
    register(String(user))
    register(decoded(String(user)))
    guard let colon = user.firstIndex(of: ":") else { return }
    let password = String(user[user.index(after: colon)...])
    register(password)
    register(decoded(password))
  }

  /// Registers the proxies of the environment.
  package static func registerProxies(of environment: [String: String]) {
    for (name, value) in environment where name.lowercased().hasSuffix("_proxy") {
      registerProxy(value)
    }
  }

  /// `text` without any secret.
  package static func redact(_ text: String) -> String {
    let forms = registry.withLock { $0.forms + $0.passing }
    guard !forms.isEmpty else { return text }
    var bytes = Array(text.utf8)
    var isChanged = false
    for form in forms {
      var from = 0
      while let place = place(of: form, in: bytes, from: from) {
        guard form.count >= surelyUnique || isWord(place, in: bytes) else {
          from = place.lowerBound + 1
          continue
        }
        bytes.replaceSubrange(place, with: replacement.utf8)
        from = place.lowerBound + replacement.utf8.count
        isChanged = true
      }
    }
    return isChanged ? String(decoding: bytes, as: UTF8.self) : text
  }

  /// JSON whose strings hold no secret; keys, numbers and structure stay as they are.
  package static func redact(json: String) -> String {
    guard redact(json) != json else { return json }
    var result = ""
    var rest = Array(json.utf8)[...]
    while let quote = rest.firstIndex(of: UInt8(ascii: "\"")) {
      var end = quote + 1
      while end < rest.endIndex, rest[end] != UInt8(ascii: "\"") {
        end += rest[end] == UInt8(ascii: "\\") ? 2 : 1
      }
      end = min(end, rest.endIndex)
      let content = String(decoding: rest[quote + 1..<end], as: UTF8.self)
      let isKey = end + 1 < rest.endIndex && rest[end + 1] == UInt8(ascii: ":")
      result += String(decoding: rest[..<quote], as: UTF8.self)
      result += "\"" + (isKey ? content : redact(content)) + "\""
      rest = rest[min(end + 1, rest.endIndex)...]
    }
    return result + String(decoding: rest, as: UTF8.self)
  }

  // MARK: Details

  /// The value as it stands, in a URL, in base64 of both alphabets, and within a string of JSON.
  private static func forms(of text: String) -> [[UInt8]] {
    let blanks: (UInt8) -> Bool = { $0 <= 0x20 }
    let bytes = Array(text.utf8.drop(while: blanks).reversed().drop(while: blanks).reversed())
    guard bytes.count >= shortest else { return [] }
    let base64 = Data(bytes).base64EncodedString()
    var all: Set<String> = [
      String(decoding: bytes, as: UTF8.self), encoded(bytes), escaped(bytes), base64,
    ]
    // Many a secret is base64 itself.
    for text in all { all.insert(urlSafe(text)) }
    return all.map { Array($0.utf8) }
  }

  private static func urlSafe(_ text: String) -> String {
    var text = text.replacing("+", with: "-").replacing("/", with: "_")
    while text.last == "=" { text.removeLast() }
    return text
  }

  private static func encoded(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    let isPlain = { (byte: UInt8) in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "-._~".utf8.contains(byte)
      }
    }
    let text = bytes.flatMap { byte -> [UInt8] in
      isPlain(byte) ? [byte] : [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func decoded(_ text: String) -> String {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == 0x25, rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        result.append(value)
        rest = rest.dropFirst(2)
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func escaped(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    return text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
  }

  private static func place(of form: [UInt8], in bytes: [UInt8], from: Int) -> Range<Int>? {
    guard let first = form.first else { return nil }
    return unsafe bytes.withUnsafeBytes { bytes in
      unsafe form.withUnsafeBytes { form -> Range<Int>? in
        guard let start = bytes.baseAddress, let wanted = form.baseAddress else { return nil }
        var offset = from
        while offset + form.count <= bytes.count {
          let places = bytes.count - form.count - offset + 1
          guard let found = unsafe memchr(start + offset, Int32(first), places) else { return nil }
          offset = unsafe UnsafeRawPointer(found) - start
          if unsafe memcmp(start + offset, wanted, form.count) == 0 {
            return offset..<offset + form.count
          }
          offset += 1
        }
        return nil
      }
    }
  }

  private static func isWord(_ place: Range<Int>, in bytes: [UInt8]) -> Bool {
    let isLetter = { (index: Int) in
      guard bytes.indices.contains(index) else { return false }
      switch bytes[index] {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...: return true
      default: return false
      }
    }
    return !isLetter(place.lowerBound - 1) && !isLetter(place.upperBound)
  }
}
