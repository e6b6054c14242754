// The Instance Metadata Service (IMDS), as far as it gives tokens to whoever asks on this machine.
//
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token

import Foundation

struct MetadataService: Service {
  let identity: IdentityService

  let name = "imds"

  func operation(of call: Call) -> String {
    call.method == "GET" && call.path == "/metadata/identity/oauth2/token"
      ? "IssueToken" : "Unknown"
  }

  func answer(_ call: Call, body: inout IncomingBody, fault: FaultAction?) throws -> Answer {
    try body.discard()
    guard operation(of: call) == "IssueToken" else { return Answer(404, [("Content-Length", "0")]) }
    guard call["Metadata"] == "true", call["X-Forwarded-For"] == nil else {
      throw Refusal(400, "bad_request_102", "Required metadata header not specified")
    }
    var query: [String: String] = [:]
    for pair in (call.query ?? "").split(separator: "&") {
      let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      query[String(halves[0])] = halves.count == 2 ? PercentEncoding.decode(halves[1]) : nil
    }
    guard query["api-version"] == "2018-02-01" else {
      throw Refusal(400, "bad_request_100", "The api-version is not supported")
    }
    guard query["resource"]?.hasPrefix("https://storage.azure.com") == true else {
      throw Refusal(500, "unknown", "Failed to retrieve token from the Active directory.")
    }
    let identities = try Identities(file: identity.file)
    let client = try client(query["client_id"], of: identities.machine)
    let token = try identity.token(
      for: client, identities.accountTenant, "https://storage.azure.com", identities)
    let lifetime = identities.announcedLifetime ?? identities.lifetime
    let members = [
      "access_token": token, "client_id": client, "expires_in": String(lifetime),
      "expires_on": String(HTTPDate.now.seconds + lifetime), "ext_expires_in": String(lifetime),
      "not_before": String(HTTPDate.now.seconds), "resource": "https://storage.azure.com",
      "token_type": "Bearer",
    ]
    return try document(200, members)
  }

  private func client(_ id: String?, of machine: [String]) throws -> String {
    if let id {
      guard machine.contains(id) else {
        throw Refusal(400, "invalid_request", "Identity not found")
      }
      return id
    }
    guard machine.count <= 1 else {
      throw Refusal(
        400, "invalid_request",
        "Multiple user assigned identities exist, please specify the clientId / resourceId of the "
          + "identity in the token request")
    }
    guard let only = machine.first else {
      throw Refusal(400, "invalid_request", "Identity not found")
    }
    return only
  }

  private struct Refusal: Error {
    let status: Int
    let code: String
    let message: String

    init(_ status: Int, _ code: String, _ message: String) {
      (self.status, self.code, self.message) = (status, code, message)
    }
  }

  private func document(_ status: Int, _ members: [String: String]) throws -> Answer {
    let object = JSON.object(members.mapValues { .string($0) })
    return Answer(
      status, [("Content-Type", "application/json; charset=utf-8")],
      body: .bytes(Array(try object.serialized())))
  }

  func refusal(_ error: any Error, of call: Call) -> Answer {
    answer(error as? Refusal ?? Refusal(500, "unknown", "\(error)"))
  }

  func scripted(_ fault: FaultAction, for call: Call) -> Answer {
    var answer = answer(
      Refusal(fault.status ?? 500, fault.code ?? "unknown", fault.message ?? "A scripted fault."))
    answer["Retry-After"] = fault.retryAfter
    return answer
  }

  private func answer(_ refusal: Refusal) -> Answer {
    do {
      var answer = try document(
        refusal.status, ["error": refusal.code, "error_description": refusal.message])
      answer.reason = refusal.code
      return answer
    } catch {
      return Answer(500, body: .bytes(Array("\(error)".utf8)))
    }
  }
}
