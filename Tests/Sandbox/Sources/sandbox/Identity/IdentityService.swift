// Microsoft Entra ID's token endpoint: client credentials with a secret or a federated token, and nothing else.
//
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow

import Foundation

/// Serves every tenant of `identities.json`.
struct IdentityService: Service {
  let file: String
  /// Signs the tokens, and shows the blob service that they are this sandbox's.
  let key: Data

  let name = "identity"

  /// Where the tokens come from; the tenant's id follows.
  static let issuer = "https://sts.windows.net/"
  private static let audiences = ["https://storage.azure.com"]

  func operation(of call: Call) -> String {
    switch (call.method, parts(of: call).dropFirst()) {
    case ("POST", ["oauth2", "v2.0", "token"]): "IssueToken"
    case ("GET", ["v2.0", ".well-known", "openid-configuration"]): "Discover"
    default: "Unknown"
    }
  }

  private func parts(of call: Call) -> [String] {
    call.path.split(separator: "/").map { String($0) }
  }

  func answer(_ call: Call, body: inout IncomingBody, fault: FaultAction?) throws -> Answer {
    guard let form = try body.collect(upTo: 1 << 20) else {
      throw TokenRefusal.missing("grant_type")
    }
    let tenant = parts(of: call).first ?? ""
    switch operation(of: call) {
    case "Discover": return try discovery(of: tenant, call)
    case "IssueToken": return try issue(to: Form(call, form), tenant, Identities(file: file), call)
    default: return Answer(404, [("Content-Length", "0")])
    }
  }

  private func discovery(of tenant: String, _ call: Call) throws -> Answer {
    guard try Identities(file: file).tenants[tenant] != nil else {
      throw TokenRefusal.tenant(tenant)
    }
    let base = "https://\(call.host)/\(tenant)"
    return try document(
      200,
      [
        "token_endpoint": .string("\(base)/oauth2/v2.0/token"),
        "authorization_endpoint": .string("\(base)/oauth2/v2.0/authorize"),
        "issuer": .string("\(base)/v2.0"),
      ])
  }

  private func tokenURL(_ call: Call, _ tenant: String) -> String {
    "https://\(call.host)/\(tenant)/oauth2/v2.0/token"
  }

  private func issue(
    to form: Form, _ tenant: String, _ identities: Identities, _ call: Call
  ) throws -> Answer {
    guard let clients = identities.tenants[tenant] else { throw TokenRefusal.tenant(tenant) }
    guard try form.required("grant_type") == "client_credentials" else { throw TokenRefusal.grant }
    let id = try form.required("client_id")
    let scope = try form.required("scope")
    guard form["resource"] == nil else { throw TokenRefusal.resource }
    guard scope.hasSuffix("/.default") else { throw TokenRefusal.scope(scope) }
    let audience = String(scope.dropLast("/.default".count))
    guard let client = clients[id] else { throw TokenRefusal.client(id, tenant) }
    if form["client_assertion"] != nil {
      try check(assertion: form, of: id, client, identities, at: tokenURL(call, tenant))
    } else {
      guard client.secrets?.contains(try form.required("client_secret")) == true else {
        throw TokenRefusal.secret(id)
      }
    }
    guard Self.audiences.contains(audience) else { throw TokenRefusal.audience(audience, tenant) }
    let token = try token(for: id, tenant, audience, identities)
    let lifetime = JSON.integer(identities.announcedLifetime ?? identities.lifetime)
    return try document(
      200,
      [
        "token_type": .string("Bearer"), "expires_in": lifetime, "ext_expires_in": lifetime,
        "access_token": .string(token),
      ])
  }

  private func check(
    assertion form: Form, of id: String, _ client: Identities.Client, _ identities: Identities,
    at url: String
  ) throws {
    guard
      try form.required("client_assertion_type")
        == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    else { throw TokenRefusal.missing("client_assertion_type") }
    guard form["client_secret"] == nil,
      let token = WebToken(try form.required("client_assertion")),
      let issuer = token.text("iss"), let subject = token.text("sub"),
      let audience = token.text("aud")
    else { throw TokenRefusal.malformedAssertion }
    if issuer == id {
      guard subject == id, audience == url, token.text("jti")?.isEmpty == false else {
        throw TokenRefusal.malformedAssertion
      }
      guard client.certificates?.contains(where: { token.isSigned(byCertificate: $0) }) == true
      else { throw TokenRefusal.assertionSignature }
      return try checkTime(of: token)
    }
    let known = client.federated ?? []
    guard known.contains(where: { $0.issuer == issuer }) else {
      throw TokenRefusal.federation(700_211, "issuer", issuer)
    }
    guard known.contains(where: { $0.issuer == issuer && $0.audience == audience }) else {
      throw TokenRefusal.federation(700_212, "audience", audience)
    }
    guard
      known.contains(where: {
        $0.issuer == issuer && $0.audience == audience && $0.subject == subject
      })
    else { throw TokenRefusal.federation(700_213, "subject", subject) }
    guard let key = identities.issuers[issuer], token.isSigned(byPublicKey: key) else {
      throw TokenRefusal.assertionSignature
    }
    try checkTime(of: token)
  }

  private func checkTime(of token: WebToken) throws {
    let now = HTTPDate.now.seconds
    guard let end = token.number("exp"), end > now, token.number("nbf") ?? 0 <= now else {
      throw TokenRefusal.assertionTime
    }
  }

  /// A token for the storage service.
  func token(
    for client: String, _ tenant: String, _ audience: String, _ identities: Identities
  ) throws -> String {
    let now = HTTPDate.now.seconds
    return try WebToken.issue(
      [
        "aud": .string(identities.audience ?? audience), "iss": .string("\(Self.issuer)\(tenant)/"),
        "tid": .string(tenant),
        "appid": .string(client), "oid": .string("object-of-\(client)"), "nbf": .integer(now),
        "exp": .integer(now + identities.lifetime),
        "jti": .string(UUID().uuidString), "generation": .integer(identities.generation ?? 0),
      ], key: key)
  }

  // MARK: Answers

  private func document(_ status: Int, _ members: [String: JSON]) throws -> Answer {
    Answer(
      status, [("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store")],
      body: .bytes(Array(try JSON.object(members).serialized())))
  }

  func refusal(_ error: any Error, of call: Call) -> Answer {
    answer(error as? TokenRefusal ?? TokenRefusal(500, "server_error", 90033, "\(error)"))
  }

  func scripted(_ fault: FaultAction, for call: Call) -> Answer {
    var answer = answer(
      TokenRefusal(
        fault.status ?? 500, fault.code ?? "temporarily_unavailable", 90033,
        fault.message ?? "A scripted fault."))
    if let body = fault.body {
      answer = Answer(
        fault.status ?? 500, [("Content-Type", "text/html")], body: .bytes(Array(body.utf8)))
    }
    answer["Retry-After"] = fault.retryAfter
    return answer
  }

  private func answer(_ refusal: TokenRefusal) -> Answer {
    let correlation = UUID().uuidString.lowercased()
    let description =
      "AADSTS\(refusal.number): \(refusal.message)\r\nTrace ID: \(UUID().uuidString.lowercased())\r\n"
      + "Correlation ID: \(correlation)\r\nTimestamp: \(Timestamp.nowInSeconds)"
    let members: [String: JSON] = [
      "error": .string(refusal.code), "error_description": .string(description),
      "error_codes": .array([.integer(refusal.number)]), "correlation_id": .string(correlation),
    ]
    do {
      var answer = try document(refusal.status, members)
      answer.reason = "\(refusal.code) \(refusal.number)"
      return answer
    } catch {
      return Answer(500, body: .bytes(Array("\(error)".utf8)))
    }
  }
}

/// The fields of a form; each at most once.
struct Form {
  private var fields: [String: String] = [:]

  init(_ call: Call, _ body: [UInt8]) throws {
    guard call["Content-Type"]?.hasPrefix("application/x-www-form-urlencoded") == true else {
      throw TokenRefusal.missing("grant_type")
    }
    for pair in String(decoding: body, as: UTF8.self).split(separator: "&") {
      let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, let name = PercentEncoding.decode(halves[0]),
        let value = PercentEncoding.decode(halves[1].replacing("+", with: " ")),
        fields.updateValue(value, forKey: name) == nil
      else { throw TokenRefusal.missing("grant_type") }
    }
  }

  subscript(_ name: String) -> String? { fields[name] }

  func required(_ name: String) throws -> String {
    guard let value = fields[name], !value.isEmpty else { throw TokenRefusal.missing(name) }
    return value
  }
}

/// A refusal as Entra words it: the number is AADSTS's.
struct TokenRefusal: Error {
  let status: Int
  let code: String
  let number: Int
  let message: String

  init(_ status: Int, _ code: String, _ number: Int, _ message: String) {
    (self.status, self.code, self.number, self.message) = (status, code, number, message)
  }

  static func missing(_ field: String) -> TokenRefusal {
    TokenRefusal(
      400, "invalid_request", 900_144,
      "The request body must contain the following parameter: '\(field)'.")
  }

  static func tenant(_ id: String) -> TokenRefusal {
    TokenRefusal(
      400, "invalid_request", 90002,
      "Tenant '\(id)' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
    )
  }

  static let grant = TokenRefusal(
    400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
  static let resource = TokenRefusal(
    400, "invalid_request", 901_002, "The 'resource' request parameter isn't supported.")

  static func scope(_ scope: String) -> TokenRefusal {
    TokenRefusal(
      400, "invalid_scope", 70011,
      "The provided request must include a 'scope' input parameter. The scope \(scope) is not valid."
    )
  }

  static func client(_ id: String, _ tenant: String) -> TokenRefusal {
    TokenRefusal(
      400, "unauthorized_client", 700_016,
      "Application with identifier '\(id)' was not found in the directory '\(tenant)'.")
  }

  static func secret(_ id: String) -> TokenRefusal {
    TokenRefusal(
      401, "invalid_client", 7_000_215,
      "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '\(id)'."
    )
  }

  static func audience(_ audience: String, _ tenant: String) -> TokenRefusal {
    TokenRefusal(
      400, "invalid_resource", 500_011,
      "The resource principal named \(audience) was not found in the tenant named \(tenant).")
  }

  static let malformedAssertion = TokenRefusal(
    401, "invalid_client", 50027, "JWT token is invalid or malformed.")

  static func federation(_ number: Int, _ what: String, _ value: String) -> TokenRefusal {
    TokenRefusal(
      401, "invalid_client", number,
      "No matching federated identity record found for presented assertion \(what) '\(value)'.")
  }

  static let assertionSignature = TokenRefusal(
    401, "invalid_client", 700_027,
    "The certificate with identifier used to sign the client assertion is not registered on application."
  )
  static let assertionTime = TokenRefusal(
    401, "invalid_client", 700_024, "Client assertion is not within its valid time range.")
}
