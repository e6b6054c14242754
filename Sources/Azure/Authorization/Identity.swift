// Whose token is asked for, and how: identities of Microsoft Entra ID.

package import Certificates
internal import Console
package import HTTP

/// Printing it in any way yields no secret.
package enum Identity: Equatable, Sendable {
  /// A Kubernetes service account that a federated credential of the principal trusts.
  case workload(Principal, tokenFile: String)
  case servicePrincipal(Principal, ClientCredential)
  /// An identity of the machine this runs on; without a client id its only one.
  case managed(clientID: String?, server: ServerURL)
}

/// An application, or an identity, within a tenant.
package struct Principal: Equatable, Sendable {
  package let clientID: String
  package let tenantID: String
  /// The URL of the service that issues tokens.
  package let authority: ServerURL

  package init(clientID: String, tenantID: String, authority: ServerURL) {
    (self.clientID, self.tenantID, self.authority) = (clientID, tenantID, authority)
  }

  /// See https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
  var tokenURL: String { "\(authority)/\(PercentEncoding.encode(tenantID))/oauth2/v2.0/token" }
}

/// What an application shows of itself.
package enum ClientCredential: Equatable, Sendable {
  case secret(ClientSecret)
  case certificate(SigningCertificate)
}

package struct ClientSecret: Equatable, Sendable {
  fileprivate let text: String

  package init(_ text: String) {
    self.text = text
    Secrets.register(text)
  }
}

extension ClientSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "<client secret>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Identity {
  /// What the token is for, in the words of version 2 of the protocol.
  private static let scope = "https://storage.azure.com/.default"
  /// The same for IMDS.
  private static let resource = "https://storage.azure.com"
  private static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

  package var address: String {
    switch self {
    case .workload(let principal, _), .servicePrincipal(let principal, _): principal.tokenURL
    case .managed(_, let server): "\(server)/metadata/identity/oauth2/token"
    }
  }

  /// One request for a token. A federated token is read anew: Kubernetes replaces it.
  func tokenRequest() throws(TokenError) -> Request {
    switch self {
    case .workload(let principal, let path):
      return exchange(for: principal, assertion: try Self.assertion(in: path))
    case .servicePrincipal(let principal, .certificate(let certificate)):
      return exchange(
        for: principal,
        assertion: try ClientAssertion.make(for: principal, signedWith: certificate))
    case .servicePrincipal(let principal, .secret(let secret)):
      return exchange(for: principal, "client_secret=\(PercentEncoding.encode(secret.text))")
    case .managed(let clientID, _):
      var query = "api-version=2018-02-01&resource=\(PercentEncoding.encode(Self.resource))"
      if let clientID { query += "&client_id=\(PercentEncoding.encode(clientID))" }
      return Request("GET", "\(address)?\(query)", headers: ["Metadata": "true"])
    }
  }

  private func exchange(for principal: Principal, assertion: String) -> Request {
    exchange(
      for: principal, "client_assertion_type=\(PercentEncoding.encode(Self.assertionType))",
      "client_assertion=\(PercentEncoding.encode(assertion))")
  }

  private func exchange(for principal: Principal, _ proof: String...) -> Request {
    let form = [
      "client_id=\(PercentEncoding.encode(principal.clientID))",
      "scope=\(PercentEncoding.encode(Self.scope))", "grant_type=client_credentials",
    ]
    return Request(
      "POST", address,
      headers: [
        "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
      ],
      body: Payload((form + proof).joined(separator: "&").utf8))
  }

  private static func assertion(in path: String) throws(TokenError) -> String {
    do throws(UnreadableFile) {
      let text = String(decoding: try ReadFile.read(at: path), as: UTF8.self)
      let token = text[...].trimmingBlanks()
      guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
        throw UnreadableFile(reason: "it is empty, or holds something else than one token")
      }
      Secrets.register(String(token))
      return String(token)
    } catch {
      throw .unreadableTokenFile(path: path, reason: error.reason)
    }
  }

  /// What the federated token says of itself, for messages; `nil` where there is none.
  package var claims: TokenClaims? {
    guard case .workload(_, let path) = self else { return nil }
    // Why it cannot be read is told where it is needed.
    return (try? Self.assertion(in: path)).flatMap { TokenClaims(of: $0) }
  }

  package var name: IdentityName {
    switch self {
    case .workload(let principal, _):
      IdentityName(
        kind: "the workload identity", clientID: principal.clientID, tenantID: principal.tenantID)
    case .servicePrincipal(let principal, _):
      IdentityName(
        kind: "the service principal", clientID: principal.clientID, tenantID: principal.tenantID)
    case .managed(let clientID, _):
      IdentityName(kind: "the managed identity", clientID: clientID, tenantID: nil)
    }
  }
}

/// Who it is, for messages.
package struct IdentityName: Equatable, Sendable, CustomStringConvertible {
  package let kind: String
  package let clientID: String?
  package let tenantID: String?

  package var description: String {
    var text = kind
    if let clientID { text += " \(clientID)" } else { text += " of this machine" }
    if let tenantID { text += " of tenant \(tenantID)" }
    return text
  }
}
