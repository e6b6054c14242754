// An absolute http or https URL of a server, taken apart just as far as a connection needs.

internal import HTTP

struct ServerURL: Equatable {
  enum Scheme: String {
    case http, https
  }

  let scheme: Scheme
  /// An IPv6 address keeps its brackets.
  let host: String
  let port: Int
  /// Starts with a slash or is empty; has no slash at the end.
  let path: String

  /// `nil` for anything with a user, a query or a fragment: a server has none of them, and a
  /// password in a URL would end up in logs.
  init?(_ text: String) {
    guard let separator = text.firstRange(of: "://"),
      let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased())
    else { return nil }
    let rest = text[separator.upperBound...]
    let isForeign = { (character: Character) in
      character.isWhitespace || !character.isASCII || "@?#\\\"<>".contains(character)
    }
    guard !rest.contains(where: isForeign) else { return nil }

    let authority = rest.prefix { $0 != "/" }
    let host: Substring
    if authority.hasPrefix("[") {
      guard let bracket = authority.firstIndex(of: "]") else { return nil }
      host = authority[...bracket]
      guard host.count > 2 else { return nil }
    } else {
      host = authority.prefix { $0 != ":" }
    }
    guard !host.isEmpty else { return nil }

    let portText = authority[host.endIndex...]
    if portText.isEmpty {
      port = scheme == .https ? 443 : 80
    } else {
      guard portText.hasPrefix(":"), let port = Int(portText.dropFirst()),
        (1...65_535).contains(port)
      else { return nil }
      self.port = port
    }

    var path = rest[authority.endIndex...]
    while path.hasSuffix("/") { path.removeLast() }
    self.scheme = scheme
    self.host = String(host)
    self.path = String(path)
  }

  var address: String { "\(host):\(port)" }

  var text: String { "\(scheme.rawValue)://\(address)\(path)" }

  /// The same server under another name.
  func text(named name: String) -> String { "\(scheme.rawValue)://\(name):\(port)\(path)" }
}
