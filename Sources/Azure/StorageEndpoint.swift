// Where the blobs of one storage account live: the account's name and the URL in front of every path.

internal import HTTP

package struct StorageEndpoint: Hashable, Sendable {
  package let account: String
  package let url: ServiceURL

  /// `url` is what Azure shows as the account's blob endpoint; without it the public cloud's.
  ///
  /// The path of `url` is empty (the account stands in the host name, or the host is the
  /// account's own domain) or the account's name alone (emulators): that path is signed, so nothing
  /// in front of the store may add to it.
  package init(account: String, url: ServiceURL? = nil) throws(InvalidValue) {
    guard let url else {
      // The name becomes a host name here, so it must be one that Azure gives.
      let isRight =
        (3...24).contains(account.utf8.count)
        && account.utf8.allSatisfy { $0.isLowercaseLetter || $0.isDigit }
      guard isRight else {
        throw Self.unusableAccount(
          "the name of a storage account: 3 to 24 lower-case letters and digits")
      }
      self.account = account
      self.url = ServiceURL(origin: "https://\(account).blob.core.windows.net", path: "")
      return
    }
    let isRight =
      !account.isEmpty
      && account.utf8.allSatisfy {
        $0.isLowercaseLetter || $0.isUppercaseLetter || $0.isDigit || $0 == UInt8(ascii: "-")
      }
    guard isRight else {
      throw Self.unusableAccount("the name of a storage account: letters, digits and hyphens")
    }
    guard url.path.isEmpty || url.path == "/\(account)" else {
      throw Self.unusableAccount("the account of \(url), whose path must be empty or its name")
    }
    self.account = account
    self.url = url
  }

  /// What was given is not shown: it may be a connection string, or the account's key by mistake.
  private static func unusableAccount(_ expected: String) -> InvalidValue {
    InvalidValue("storage-account", expected: expected)
  }
}

/// A blob endpoint as Azure shows it: scheme, host, port where it is unusual, and for emulators a path.
package struct ServiceURL: Hashable, Sendable, CustomStringConvertible {
  /// `https://host` or `https://host:port`
  let origin: String
  /// Empty, or from its first slash on, without a last one.
  let path: String

  package var description: String { origin + path }

  /// Whether what is sent can be read on the way: plain HTTP to another machine.
  package var isReadableOnTheWay: Bool {
    guard let host = origin.firstRange(of: "http://").map({ origin[$0.upperBound...] }) else {
      return false
    }
    return !Loopback.isLoopback(hostAndPort: host)
  }

  init(origin: String, path: String) {
    self.origin = origin
    self.path = path
  }

  package init(_ text: String) throws(InvalidValue) {
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://"),
      ["http", "https"].contains(text[..<colon].lowercased())
    else {
      throw Self.refusal(text, "must begin with https:// or http://")
    }
    let scheme = text[..<colon].lowercased()
    let rest = text[colon...].dropFirst("://".count)
    guard !rest.contains("?") else {
      throw Self.refusal(
        text, "must not carry a query; a SAS belongs into the Secret, under sas-token")
    }
    guard !rest.contains("#") else { throw Self.refusal(text, "must not carry a fragment") }

    let authority = rest.prefix { $0 != "/" }
    guard !authority.contains("@") else {
      throw Self.refusal(text, "must not carry a user name or password")
    }
    guard Self.isHostAndPort(authority) else {
      throw Self.refusal(text, "needs a host name and, where it is unusual, a port")
    }
    var path = rest.dropFirst(authority.count)
    while path.hasSuffix("/") { path.removeLast() }
    guard path.utf8.allSatisfy({ $0.isPathByte }), !path.contains("//") else {
      throw Self.refusal(text, "has a path that an account's name cannot be")
    }
    origin = "\(scheme)://\(authority.lowercased())"
    self.path = String(path)
  }

  private static func isHostAndPort(_ authority: Substring) -> Bool {
    var host = authority
    if let bracket = authority.lastIndex(of: "]") {
      // An IPv6 address: the colons within its brackets are not a port's.
      guard authority.hasPrefix("[") else { return false }
      host = authority[...bracket]
    } else if let colon = authority.lastIndex(of: ":") {
      host = authority[..<colon]
    }
    let port = authority[host.endIndex...]
    let hostIsRight =
      if host.hasPrefix("[") {
        host.count > 2
          && host.dropFirst().dropLast().utf8.allSatisfy {
            $0.isHexDigit || $0 == UInt8(ascii: ":")
          }
      } else {
        !host.isEmpty && host.utf8.allSatisfy { $0.isHostByte }
      }
    let portIsRight =
      port.isEmpty
      || port.dropFirst().utf8.allSatisfy { $0.isDigit }
        && Int(port.dropFirst()).map { (1...65_535).contains($0) } == true
    return hostIsRight && portIsRight
  }

  /// Shows the URL without what may be a password or a SAS token.
  private static func refusal(_ text: String, _ reason: String) -> InvalidValue {
    var shown = text.prefix { $0 != "?" && $0 != "#" }
    if let at = shown.lastIndex(of: "@") {
      let scheme = shown.firstRange(of: "://").map { shown[..<$0.upperBound] } ?? ""
      shown = scheme + shown[shown.index(after: at)...]
    }
    return InvalidValue(
      String(shown),
      expected: "a blob endpoint such as https://account.blob.core.windows.net: it \(reason)")
  }
}

extension UInt8 {
  fileprivate var isHexDigit: Bool {
    isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
      || (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(self)
  }

  fileprivate var isHostByte: Bool {
    isLowercaseLetter || isUppercaseLetter || isDigit
      || [UInt8(ascii: "."), UInt8(ascii: "-")].contains(self)
  }

  fileprivate var isPathByte: Bool {
    isHostByte || self == UInt8(ascii: "/")
  }
}
