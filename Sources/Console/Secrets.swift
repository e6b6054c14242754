// The secrets of this process by value: registered where they are read, taken out of everything that is printed.

internal import FoundationEssentials
internal import Synchronization

/// ```swift
/// Secrets.register(password)
/// Secrets.redact("refused: \(password)")  // refused: <redacted>
/// ```
///
/// A server, a proxy or a library may repeat a secret anywhere. So it is looked for by its value, in
/// the forms in which it can be on the way, and not in the places where it is expected.
package enum Secrets {
  package static let replacement = "<redacted>"

  /// A shorter value is part of ordinary words: taking it out would hide the message and, by the
  /// gaps, tell the secret.
  package static let shortest = 6
  /// Signatures of that many requests are remembered.
  private static let mostPassing = 64

  private struct Registry {
    private var known: Set<Needle> = []
    private var passing: [[Needle]] = []
    /// By their first byte.
    private(set) var needles = [[Needle]](repeating: [], count: 256)
    /// The first two bytes of every value, past ones included: most places are ruled out by them.
    private(set) var pairs = [Bool](repeating: false, count: 1 << 16)

    var isEmpty: Bool { known.isEmpty && passing.isEmpty }

    mutating func add(_ all: [Needle]) {
      for needle in all where known.insert(needle).inserted { index(needle) }
    }

    mutating func addPassing(_ all: [Needle]) {
      passing.append(all)
      for needle in all { index(needle) }
      guard passing.count > Secrets.mostPassing else { return }
      for needle in passing.removeFirst() where !known.contains(needle) {
        needles[Int(needle.bytes[0])].removeAll { $0 == needle }
      }
    }

    private mutating func index(_ needle: Needle) {
      needles[Int(needle.bytes[0])].append(needle)
      pairs[Int(needle.bytes[0]) << 8 | Int(needle.bytes[1])] = true
    }
  }

  private static let registry = Mutex(Registry())

  package static func register(_ text: String) {
    guard let value = value(text) else { return }
    registry.withLock { $0.add(Needle.spellings(of: value)) }
  }

  /// Remembers what is a secret of one request; the oldest of them are forgotten.
  package static func registerPassing(_ text: String) {
    guard let value = value(text) else { return }
    registry.withLock { $0.addPassing([Needle(value)]) }
  }

  /// Registers each line between the marks of a PEM text.
  package static func registerPrivateKey(_ pem: some Collection<UInt8>) {
    for line in String(decoding: pem, as: UTF8.self).split(whereSeparator: \.isNewline)
    where !line.contains("-----") && !line.contains(":") {
      guard let value = value(String(line)) else { continue }
      registry.withLock { $0.add([Needle(value)]) }
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
    let registry = registry.withLock { $0 }
    guard !registry.isEmpty else { return text }
    let spelled = SpelledText(bytes: Array(text.utf8))
    let places = places(of: registry, in: spelled)
    guard !places.isEmpty else { return text }
    var result: [UInt8] = []
    var end = 0
    for place in places {
      result += spelled.bytes[end..<place.lowerBound] + Array(replacement.utf8)
      end = place.upperBound
    }
    return String(decoding: result + spelled.bytes[end...], as: UTF8.self)
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
      result += isKey ? "\"\(content)\"" : redact(jsonString: content)
      rest = rest[min(end + 1, rest.endIndex)...]
    }
    return result + String(decoding: rest, as: UTF8.self)
  }

  // MARK: Details

  /// What is searched for, without the blanks around it, which are never sent.
  private static func value(_ text: String) -> String? {
    let isBlank: (UInt8) -> Bool = { $0 <= 0x20 }
    let bytes = text.utf8.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
    return bytes.count < shortest ? nil : String(decoding: Array(bytes), as: UTF8.self)
  }

  /// In order, and none within or across another: two secrets may share some characters.
  private static func places(of registry: Registry, in text: SpelledText) -> [Range<Int>] {
    let (needles, pairs) = (registry.needles, registry.pairs)
    var places: [Range<Int>] = []
    for start in text.bytes.indices
    where text.isSpelled(at: start)
      || pairs[Int(text.bytes[start]) << 8 | Int(text.bytes[start + 1])]
    {
      let (byte, escaped) = text.beginnings(at: start)
      var candidates = needles[Int(byte)]
      if let escaped { candidates += needles[Int(escaped)] }
      for needle in candidates {
        guard let place = needle.place(in: text, from: start) else { continue }
        places.append(place)
      }
    }
    places.sort { $0.lowerBound < $1.lowerBound }
    return places.reduce(into: []) { merged, place in
      guard let last = merged.last, place.lowerBound < last.upperBound else {
        merged.append(place)
        return
      }
      merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, place.upperBound)
    }
  }

  /// `content` is what stands between the quotes. It is read first: a secret may begin within an
  /// escape.
  private static func redact(jsonString content: String) -> String {
    let whole = "\"\(content)\""
    guard redact(content) != content else { return whole }
    guard let text = try? JSONDecoder().decode(String.self, from: Data(whole.utf8)) else {
      return "\"\(replacement)\""
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    guard let encoded = try? encoder.encode(redact(text)) else { return "\"\(replacement)\"" }
    return String(decoding: encoded, as: UTF8.self)
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
}
