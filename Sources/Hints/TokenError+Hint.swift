// What to do where there is no token.

package import Azure
internal import HTTP

extension TokenError {
  /// `nil` where only another attempt helps.
  package var hint: String? {
    switch self {
    case .unanswered(let identity, let error, _):
      identity.tenantID == nil && error.kind != .stopped(.terminated)
        ? "Run on an Azure node whose IMDS pods may reach (AKS can restrict it, and so can a network "
          + "policy), or set APP_ABS_AUTHENTICATION=workload-identity." : error.hint
    case .refused(let refusal, _): refusal.hint
    case .unreadable: "Correct AZURE_AUTHORITY_HOST, or have a proxy let these requests through."
    case .unusableCertificate: "Store another certificate with its RSA key, and upload it."
    case .unreadableTokenFile:
      "Label the pod azure.workload.identity/use: \"true\" and annotate its service account, so that "
        + "the webhook mounts the token, or mount it and set AZURE_FEDERATED_TOKEN_FILE."
    }
  }
}

extension TokenRefusal {
  /// `nil` where only another attempt helps.
  package var hint: String? {
    if isLocal { return hintOfIMDS }
    if code == nil {
      return isTransient
        ? nil : "Correct AZURE_AUTHORITY_HOST, or have a proxy let these requests through."
    }
    return number.flatMap(hint(onNumber:)) ?? hintOnCode
  }

  private var hintOfIMDS: String? {
    switch status {
    case 400:
      "Assign the identity \(identity.clientID ?? "") to the node pool's scale set and set "
        + "AZURE_CLIENT_ID to its client id, or set APP_ABS_AUTHENTICATION=workload-identity."
    case 500: "Correct AZURE_CLIENT_ID; else wait until IMDS works again."
    default: nil
    }
  }

  private func hint(onNumber number: Int) -> String? {
    let client = identity.clientID ?? ""
    switch number {
    case 700_212 where claims?.audience?.hasPrefix("api://AzureADTokenExchange") == false:
      return
        "Mount a service account token with the audience api://AzureADTokenExchange: Entra does not "
        + "take one for \(claims?.audience ?? "others"). Identity bindings of AKS are not supported."
    case 70021, 700_211, 700_212, 700_213, 7_002_138:
      return "Create a federated credential on \(client) with exactly these: issuer "
        + "\(claims?.issuer ?? "of the cluster"), subject \(claims?.subject ?? "of the service account"), "
        + "audience \(claims?.audience ?? "api://AzureADTokenExchange"), to the letter. A new one may "
        + "take minutes to spread."
    case 700_016:
      return "Set AZURE_CLIENT_ID to the client id (not the object id) of an identity in tenant "
        + "\(identity.tenantID ?? ""), or correct AZURE_TENANT_ID."
    case 700_024:
      return "Correct this node's clock, or see why the federated token is not replaced."
    case 700_027:
      return "Upload the certificate to the application, or renew it. For a federated token: the "
        + "issuer's keys have changed."
    case 90061, 50166: return "Make the cluster's issuer public, so that Entra can read its keys."
    case 90002, 900_023:
      return "Correct AZURE_TENANT_ID, or AZURE_AUTHORITY_HOST: it is of another cloud."
    case 90038, 900_382, 900_432: return "Set AZURE_AUTHORITY_HOST to that of the tenant's cloud."
    case 7_000_215: return "Store the secret's value, not its id, under client-secret."
    case 7_000_222: return "Create a new client secret: this one has expired."
    case 7_000_112, 70001, 7_000_214:
      return "Enable the application \(client), or renew its certificate."
    case 50105, 501_051:
      return "Assign the application \(client), or switch its assignment requirement off."
    case 53003, 530_032:
      return "Have an administrator exempt \(client) from the Conditional Access policy."
    default: return nil
    }
  }

  private var hintOnCode: String? {
    switch code {
    case "invalid_client":
      "Correct the credential of \(identity.clientID ?? ""): its secret, certificate or federation."
    case "unauthorized_client": "Correct AZURE_CLIENT_ID and AZURE_TENANT_ID."
    case "temporarily_unavailable": nil
    default: "Correct AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_AUTHORITY_HOST."
    }
  }
}
