// Why there is no token, and what to do about it.

internal import Console
internal import FoundationEssentials
package import HTTP

package enum TokenError: Error, Equatable {
  /// No whole response came.
  case unanswered(IdentityName, TransferError, attempts: Int)
  case refused(TokenRefusal, attempts: Int)
  /// The response says yes, but holds no token.
  case unreadable(url: String, reason: String)
  case unreadableTokenFile(path: String, reason: String)
  case unusableCertificate(String)
}

/// What the issuer of tokens responded.
package struct TokenRefusal: Error, Equatable {
  package let identity: IdentityName
  /// Whether IMDS refused, and not Microsoft Entra ID.
  package let isLocal: Bool
  package let url: String
  package let status: Int
  /// The protocol's name for the error; `nil` where something else than the issuer responded.
  package let code: String?
  /// What follows `AADSTS`.
  package let number: Int?
  /// The first line of the description.
  package let message: String?
  package let correlationID: String?
  package let retryAfter: Duration?
  /// Of the federated token that was sent.
  package let claims: TokenClaims?

  private struct Body: Decodable {
    let error: String?
    let error_description: String?
    let correlation_id: String?
  }

  init(_ response: Response, to identity: Identity) {
    self.identity = identity.name
    url = identity.address
    claims = identity.claims
    isLocal = if case .managed = identity { true } else { false }
    status = response.status
    retryAfter = response.retryAfter
    // A proxy's page is none of the issuer's.
    let body = try? JSONDecoder().decode(Body.self, from: Data(response.body))
    code = body?.error.map { String(Secrets.redact($0).prefix(100)) }
    // Before anything is cut: half a secret would not be recognised.
    let line = Secrets.redact(body?.error_description ?? "").prefix { !$0.isNewline }
    message = line.isEmpty ? nil : String(line.prefix(500))
    correlationID = body?.correlation_id.map { String($0.prefix(100)) }
    number =
      line.hasPrefix("AADSTS")
      ? Int(line.dropFirst("AADSTS".count).prefix { $0.isASCII && $0.isNumber }) : nil
  }

  private static let transientNumbers: Set = [50000, 90006, 90012, 90024, 90033, 90055, 40010]
  /// While a fresh federated credential spreads, some servers know it and some do not.
  private static let spreadingNumbers: Set = [70021, 700211, 700212, 700213]

  /// Whether the same request may well succeed a little later.
  package var isTransient: Bool {
    if [408, 410, 429].contains(status) || status >= 500 { return true }
    if isLocal { return status == 404 }
    return code == "temporarily_unavailable" || number.map(Self.transientNumbers.contains) == true
  }

  var isSpreading: Bool { number.map(Self.spreadingNumbers.contains) == true }
  /// The assertion had expired: Kubernetes may have replaced the file since.
  var isStaleAssertion: Bool { number == 700_024 }
}

extension TokenError {
  package var isTransient: Bool {
    switch self {
    case .unanswered(_, let error, _): error.isTransient
    case .refused(let refusal, _): refusal.isTransient
    case .unreadable, .unreadableTokenFile, .unusableCertificate: false
    }
  }

  package var isConfiguration: Bool {
    switch self {
    case .unanswered(_, let error, _): error.isConfiguration
    case .refused(let refusal, _): !refusal.isTransient
    case .unreadable: false
    case .unreadableTokenFile, .unusableCertificate: true
    }
  }

  package var stopReason: StopReason? {
    if case .unanswered(_, let error, _) = self, case .stopped(let reason) = error.kind {
      return reason
    }
    return nil
  }

  var retryAfter: Duration? {
    if case .refused(let refusal, _) = self { refusal.retryAfter } else { nil }
  }
}

extension TokenError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unanswered(let identity, let error, let attempts):
      "no token for \(identity)\(Self.after(attempts)): \(error)"
    case .refused(let refusal, let attempts): "\(refusal)\(Self.after(attempts))"
    case .unreadable(let url, let reason):
      "the response of \(url) holds no token that can be used: \(reason)"
    case .unreadableTokenFile(let path, let reason):
      "the federated token in \(path) cannot be used: \(reason)"
    case .unusableCertificate(let reason):
      "the client certificate cannot be used: \(reason)"
    }
  }

  private static func after(_ attempts: Int) -> String {
    attempts > 1 ? " after \(attempts) attempts" : ""
  }
}

extension TokenRefusal: CustomStringConvertible {
  package var description: String {
    var text = "no token for \(identity): \(url) responded \(status)"
    if let code { text += " \(code)" }
    if let message { text += ", \(message)" }
    if let claims {
      text +=
        "; the federated token has issuer \(claims.issuer ?? "none"), subject "
        + "\(claims.subject ?? "none"), audience \(claims.audience ?? "none")"
    }
    if let correlationID { text += " (correlation id \(correlationID))" }
    return text
  }
}
