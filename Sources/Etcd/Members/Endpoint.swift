// One client URL of etcd, such as `https://etcd-0.etcd:2379`: scheme, host, port, nothing else.

package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  package enum Scheme: String, Sendable {
    case http, https
  }

  package let scheme: Scheme
  /// A name or an address; an IPv6 address stands in brackets.
  package let host: String
  package let port: Int

  /// Returns `nil` unless `text` is a client URL. Without a port it is etcd's own, 2379.
  package init?(_ text: String) {
    guard let separator = text.firstRange(of: "://"),
      let scheme = Scheme(rawValue: String(text[..<separator.lowerBound]))
    else { return nil }
    var authority = text[separator.upperBound...]
    if authority.hasSuffix("/") { authority.removeLast() }

    var host = authority
    var port = 2379
    if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
      let digits = authority[authority.index(after: colon)...]
      guard digits.first != "+", let number = Int(digits), (1...65_535).contains(number) else {
        return nil
      }
      port = number
      host = authority[..<colon]
    }
    guard Self.isHost(host) else { return nil }
    self.scheme = scheme
    self.host = String(host)
    self.port = port
  }

  package var description: String { "\(scheme.rawValue)://\(host):\(port)" }

  private static func isHost(_ text: Substring) -> Bool {
    if text.hasPrefix("["), text.hasSuffix("]") {
      let address = text.dropFirst().dropLast()
      return address.contains(":")
        && address.allSatisfy { $0.isASCII && $0.isHexDigit || ".:".contains($0) }
    }
    let isNameCharacter = { (character: Character) in
      character.isASCII && (character.isLetter || character.isNumber || ".-_".contains(character))
    }
    return !text.isEmpty && text.allSatisfy(isNameCharacter)
  }
}
