// What to do about a refusal that the credential explains.

internal import Azure
internal import HTTP

extension ServiceError {
  /// `nil` where the credential has nothing to do with it.
  var hintOfGrant: String? {
    guard [400, 401, 403].contains(status) else { return nil }
    switch grant {
    case .accountKey: return isWrongSignature ? Self.wrongKey : nil
    case .signature(let terms): return hint(on: terms)
    case .token(let identity): return hint(on: identity)
    }
  }

  /// Azurite and some stores say `AuthorizationFailure`, which is Azure's code for its firewall, where
  /// Azure itself says `AuthenticationFailed`. The message's own words decide.
  private var isWrongSignature: Bool {
    guard status == 403, code == "AuthorizationFailure", !isClockSkew, let message else {
      return false
    }
    return ["failed to authenticate", "signature"].contains(where: message.lowercased().contains)
  }

  private static let wrongKey =
    "Is storage-key one of the current keys of the account that storage-account names? "
    + "It may have been rotated."

  // MARK: Tokens

  private func hint(on identity: IdentityName) -> String? {
    switch code {
    case "InvalidAuthenticationInfo", "AuthenticationFailed":
      let detail = detail("AuthenticationErrorDetail") ?? ""
      if detail.contains("HTTP") { return "Use an https endpoint: a token is not sent over http." }
      if detail.contains("Audience") {
        return
          "Correct AZURE_AUTHORITY_HOST or AZURE_POD_IDENTITY_AUTHORITY_HOST: what it issues is for "
          + "another service than https://storage.azure.com."
      }
      if detail.contains("Issuer") || expectedTenant.map({ $0 != identity.tenantID }) == true {
        return "Set AZURE_TENANT_ID to the tenant of the storage account"
          + "\(expectedTenant.map { ", which is \($0)" } ?? ""), and use an identity of it: the token "
          + "is of \(identity.tenantID ?? "another one")."
      }
      return
        "Correct this node's clock, or report this as a bug: the store does not take a fresh token."
    case "NoAuthenticationInformation", "PublicAccessNotPermitted":
      return "Have the proxy on the way to the store pass the Authorization header."
    case "AuthorizationPermissionMismatch":
      return "Give \(identity) the role Storage Blob Data Contributor on the container. A new "
        + "assignment takes up to 30 minutes to spread."
    default:
      return nil
    }
  }

  // MARK: Shared access signatures

  private func hint(on terms: SignatureTerms) -> String? {
    switch code {
    case "AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation":
      return hintOnRefusedSignature(terms)
    case "AuthorizationFailure" where isWrongSignature:
      return hintOnRefusedSignature(terms)
    case "AuthorizationPermissionMismatch", "UnauthorizedBlobOverwrite":
      return hintOnPermissions(terms)
    case "AuthorizationResourceTypeMismatch":
      return "Create an account SAS with srt=co, or a SAS for the container."
    case "AuthorizationServiceMismatch":
      return "Create an account SAS for the Blob service (ss=b)."
    case "AuthorizationSourceIPMismatch":
      return "Create a SAS whose sip includes this cluster's outgoing address, or one without sip."
    case "AuthorizationProtocolMismatch":
      return "Use an https endpoint, or create a SAS that allows http (spr=https,http)."
    case "KeyBasedAuthenticationNotPermitted":
      return "Use a user delegation SAS: the account refuses its keys and what they sign. Or allow "
        + "storage account key access."
    default:
      return nil
    }
  }

  private func hintOnRefusedSignature(_ terms: SignatureTerms) -> String {
    let detail = detail("AuthenticationErrorDetail") ?? ""
    if let expiry = terms.expiry, expiry <= time {
      return "Create a new SAS: this one expired at \(ISO8601.format(expiry))."
    }
    if let start = terms.start, start > time {
      return
        "Wait until \(ISO8601.format(start)), when this SAS begins to hold, or create one "
        + "without a start."
    }
    if detail.contains("time frame") || detail.contains("expir") {
      return "Create a new SAS, or correct this node's clock."
    }
    if detail.contains("is not allowed for") {
      return "Create a SAS for the container (sr=c), or an account SAS."
    }
    let issuer =
      terms.kind == .userDelegation
      ? "the delegation key that signed it was revoked" : "the key that signed it was rotated"
    return "Copy the SAS again, whole and unchanged, or create a new one if \(issuer)."
  }

  private func hintOnPermissions(_ terms: SignatureTerms) -> String {
    if let needed = operation.permission, !terms.lacking(of: String(needed)).isEmpty {
      return
        "Create a SAS with \(PermissionNames.list(String(needed))): \(operation.rawValue) needs "
        + "it, and this one allows \(terms.permissions ?? "")."
    }
    if terms.kind == .userDelegation {
      return "Give the identity that signed this SAS the role Storage Blob Data Contributor: its "
        + "own roles limit what the SAS allows."
    }
    return "Create a SAS with the permissions read, write, delete and list (sp=rwdl)."
  }
}
