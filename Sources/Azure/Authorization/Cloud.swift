// Azure's clouds: an endpoint of one and an authority of another never work together.

package import HTTP

package enum Cloud: String, CaseIterable, Sendable {
  case publicCloud = "Azure's public cloud"
  case usGovernment = "Azure US Government"
  case china = "Azure China"

  private var blobSuffixes: [String] {
    switch self {
    // The second one is of accounts in a DNS zone of their own.
    case .publicCloud: [".core.windows.net", ".storage.azure.net"]
    case .usGovernment: [".core.usgovcloudapi.net"]
    case .china: [".core.chinacloudapi.cn"]
    }
  }

  private var authorities: [String] {
    switch self {
    case .publicCloud: ["login.microsoftonline.com", "login.windows.net"]
    case .usGovernment: ["login.microsoftonline.us", "login.usgovcloudapi.net"]
    case .china: ["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"]
    }
  }

  /// `nil` for an endpoint of none of them, such as one of Azure Stack Hub.
  package init?(blobEndpoint url: ServerURL) {
    guard
      let cloud = Self.allCases.first(where: { $0.blobSuffixes.contains(where: url.host.hasSuffix) }
      )
    else {
      return nil
    }
    self = cloud
  }

  package init?(authority url: ServerURL) {
    guard let cloud = Self.allCases.first(where: { $0.authorities.contains(url.host) }) else {
      return nil
    }
    self = cloud
  }
}

extension ServerURL {
  package static let publicAuthority = ServerURL(.https, host: "login.microsoftonline.com")
  package static let metadataServer = ServerURL(.http, host: "169.254.169.254")

  /// The issuer of tokens; a host name alone means https, and nothing else is allowed: secrets go
  /// there.
  package init(authority text: String) throws(InvalidValue) {
    let url = try ServerURL(service: text.contains("://") ? text : "https://\(text)")
    guard url.scheme == .https else {
      throw InvalidValue("\(url)", expected: "the https URL of Microsoft Entra ID")
    }
    self = url
  }
}
