// Whose token opens the store, as the variables of Microsoft's own tools say it.

internal import Azure
package import HTTP

/// Complete for the kind of authentication that was chosen; of other kinds nothing is known.
package struct IdentitySettings: Sendable {
  package let clientID: String?
  package let tenantID: String?
  package let tokenFile: String?
  package let authority: ServerURL
  package let metadataServer: ServerURL

  /// `nil` only after a complaint. Where no token is asked for, the variables are not looked at: they
  /// may be there for other programs.
  init?(
    _ reader: inout EnvironmentReader, _ kind: StorageAuthentication?, storageURL: ServerURL?
  ) {
    guard let kind, [.workloadIdentity, .managedIdentity, .servicePrincipal].contains(kind) else {
      (clientID, tenantID, tokenFile) = (nil, nil, nil)
      (authority, metadataServer) = (.publicAuthority, .metadataServer)
      return
    }
    if kind == .workloadIdentity {
      for variable in [Variable.clientID, .tenantID, .federatedTokenFile] {
        reader.complainIfMissing(variable)
      }
    }
    clientID = reader.optional(.clientID, ConfigurationValue.identifier)
    tenantID = reader.optional(.tenantID, ConfigurationValue.identifier)
    tokenFile = reader.optional(.federatedTokenFile) { $0 }
    let authority = reader.required(.authorityHost) { text throws(InvalidValue) in
      try ServerURL(authority: text)
    }
    let metadataServer = reader.required(.metadataHost) { text throws(InvalidValue) in
      try ServerURL(service: text)
    }
    guard let authority, let metadataServer else { return nil }
    // Without an endpoint, accounts are of the public cloud.
    let cloud = storageURL.map { Cloud(blobEndpoint: $0) } ?? .publicCloud
    if let cloud, let other = Cloud(authority: authority), kind != .managedIdentity, cloud != other
    {
      reader.complain(
        .authorityHost,
        InvalidValue(
          "\(authority)",
          expected: "of the cloud that APP_ABS_ENDPOINT is of, which is \(cloud.rawValue)"))
    }
    self.authority = authority
    self.metadataServer = metadataServer
  }
}
