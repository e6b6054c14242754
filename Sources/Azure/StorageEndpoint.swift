// Where the blobs of one storage account live: the account's name and the URL in front of every path.

package import HTTP

package struct StorageEndpoint: Hashable, Sendable {
  package let account: String
  package let url: ServerURL

  /// `url` is what Azure shows as the account's blob endpoint; without it the public cloud's.
  ///
  /// The path of `url` is empty (the account stands in the host name, or the host is the
  /// account's own domain) or the account's name alone (emulators): that path is signed, so nothing
  /// in front of the store may add to it.
  package init(account: String, url: ServerURL? = nil) throws(InvalidValue) {
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
      self.url = ServerURL(.https, host: "\(account).blob.core.windows.net")
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

extension ServerURL {
  /// A blob endpoint as Azure shows it, or another service of Azure's.
  package init(service text: String) throws(InvalidValue) {
    let url: ServerURL
    do throws(Fault) {
      url = try ServerURL(text)
    } catch {
      throw Self.refusal(text, error.reason)
    }
    let isName = url.path.utf8.allSatisfy {
      $0.isLowercaseLetter || $0.isUppercaseLetter || $0.isDigit || "/.-_".utf8.contains($0)
    }
    guard isName, !url.path.contains("//") else {
      throw Self.refusal(text, "has a path that an account's name cannot be")
    }
    self = url
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

extension ServerURL.Fault {
  fileprivate var reason: String {
    switch self {
    case .scheme: "must begin with https:// or http://"
    case .user: "must not carry a user name or password"
    case .query: "must not carry a query; a SAS belongs into the Secret, under sas-token"
    case .fragment: "must not carry a fragment"
    case .malformed(let reason): "is not a URL (\(reason))"
    case .ambiguous(let url): "would be read as \(url)"
    }
  }
}
