// Who may do what: access.json, read anew for every request.

import Foundation

/// One thing somebody wants to do.
struct Access: Sendable {
  let verb: String
  let resource: String
  let namespace: String
  /// `nil` where a request names no object, as in a POST.
  let name: String?
}

/// Somebody known, and the rules that allow what they may do.
struct Account: Codable, Sendable {
  struct Rule: Codable, Sendable {
    var namespace: String
    var resources: [String]
    /// Absent: every name.
    var resourceNames: [String]?
    var verbs: [String]

    func allows(_ access: Access) -> Bool {
      guard namespace == access.namespace || namespace == "*",
        resources.contains(access.resource) || resources.contains("*"),
        verbs.contains(access.verb) || verbs.contains("*")
      else { return false }
      guard let resourceNames else { return true }
      // A POST has no name at this point, so a rule with names never allows one.
      return access.name.map { resourceNames.contains($0) } ?? false
    }
  }

  var user: String
  var rules: [Rule] = []

  func allows(_ access: Access) -> Bool { rules.contains { $0.allows(access) } }
}

/// The whole of `access.json`.
struct AccessTable: Codable, Sendable {
  var tokens: [String: Account]?
  /// By the SHA-256 (hex) of the client certificate's DER.
  var certificates: [String: Account]?

  init(file: String) throws {
    guard Files.exists(file) else { return }
    self = try JSONDecoder().decode(AccessTable.self, from: Files.read(file))
  }

  /// The account of a request; throws 401 when there is none.
  func account(of call: Call) throws -> Account {
    if let header = call["Authorization"] {
      let prefix = "Bearer "
      guard header.hasPrefix(prefix),
        let account = tokens?[String(header.dropFirst(prefix.count))]
      else { throw APIStatus.unauthorized }
      return account
    }
    if let fingerprint = call.certificateFingerprint, let account = certificates?[fingerprint] {
      return account
    }
    throw APIStatus.unauthorized
  }
}
