// What can go wrong between the list of endpoints and a member that can be backed up.

package import HTTP

package enum EtcdError: Error, Equatable {
  /// The request did not get through at all.
  case unreachable(endpoint: Endpoint, TransferError)
  /// etcd itself refused the call.
  case refused(endpoint: Endpoint, call: String, message: String)
  /// Something that is not etcd's gateway answered.
  case strangeAnswer(endpoint: Endpoint, call: String, status: Int, text: String)
  case noGateway(endpoint: Endpoint)
  /// Something answered, but not in gRPC.
  case notGRPC(endpoint: Endpoint, status: Int, text: String)
  /// Every endpoint failed, in every way that was tried; one error each.
  case noUsableEndpoint([EtcdError])
  case differentClusters(Endpoint, Endpoint)
  case onlyLearners([Endpoint])
  case corrupt(alarm: String)
}

extension EtcdError {
  /// Whether the configuration or the cluster's permissions must change before retrying can help.
  package var isConfiguration: Bool {
    switch self {
    case .unreachable(_, let error):
      error.isConfiguration || error.kind == .refusedIdentity || error.kind == .notHTTP
    case .refused(_, _, let message): Refusal(message).map { $0 != .tokenInvalid } ?? false
    case .strangeAnswer(_, _, let status, let text):
      status == 421 || text.contains("CommonName") || text.contains("HTTPS")
    case .notGRPC(_, let status, _): ![408, 429].contains(status) && status < 500
    case .noGateway, .differentClusters: true
    case .noUsableEndpoint(let errors): errors.allSatisfy(\.isConfiguration)
    case .onlyLearners, .corrupt: false
    }
  }

  /// Set where the run itself must stop, not only this endpoint be passed over.
  package var stopReason: StopReason? {
    switch self {
    case .unreachable(_, let error):
      if case .stopped(let reason) = error.kind { reason } else { nil }
    case .noUsableEndpoint(let errors): errors.lazy.compactMap(\.stopReason).first
    default: nil
    }
  }

  /// The errors that it is made of.
  var causes: [EtcdError] {
    if case .noUsableEndpoint(let errors) = self { errors } else { [self] }
  }

  /// etcd answered that there is no leader, or not in time: quorum is lost or the member cut off.
  package var isQuorumLoss: Bool {
    guard case .refused(_, _, let message) = self else { return false }
    return Self.tellsOfQuorumLoss(message)
  }

  private static func tellsOfQuorumLoss(_ message: String) -> Bool {
    ["no leader", "request timed out", "context deadline exceeded", "leader changed"]
      .contains { message.hasSuffix($0) || message.contains("\($0),") }
  }

  /// etcd asks for a user, and none was named.
  package var lacksCredentials: Bool {
    guard case .refused(_, _, let message) = self else { return false }
    return Refusal(message) == .credentialsMissing
  }

  var concernsUser: Bool {
    guard case .refused(_, _, let message) = self else { return false }
    return Refusal(message) != nil
  }

  /// The member took the call but did not answer it in time, as one without quorum may.
  var isSlowAnswer: Bool {
    guard case .unreachable(_, let error) = self else { return false }
    return error.kind == .timedOut || error.kind == .stalled
  }
}

/// The refusals that have to do with etcd's users, told apart by the end of etcd's message: older
/// releases report them as 500 "unknown".
package enum Refusal: Equatable {
  case credentialsMissing
  case credentialsWrong
  case notRoot
  case tokenInvalid

  static func isAuthenticationOff(_ message: String) -> Bool {
    message.hasSuffix("authentication is not enabled")
  }

  package init?(_ message: String) {
    if message.hasSuffix("user name is empty") || message.hasSuffix("user name not found") {
      self = .credentialsMissing
    } else if message.hasSuffix("invalid user ID or password") {
      self = .credentialsWrong
    } else if message.hasSuffix("permission denied") {
      self = .notRoot
    } else if message.hasSuffix("invalid auth token") {
      self = .tokenInvalid
    } else {
      return nil
    }
  }
}

extension EtcdError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreachable(_, let error): error.description
    case .refused(let endpoint, let call, let message):
      "etcd at \(endpoint) refused \(call): \(message)"
    case .strangeAnswer(let endpoint, let call, let status, let text):
      "\(endpoint) answered \(call) with status \(status): \(text.isEmpty ? "no text" : text)"
    case .noGateway(let endpoint):
      "\(endpoint) has no gRPC gateway under /v3, /v3beta or /v3alpha"
    case .notGRPC(let endpoint, let status, let text):
      "\(endpoint) does not speak gRPC: status \(status), \(text.isEmpty ? "no text" : text)"
    case .noUsableEndpoint(let errors):
      "no etcd endpoint can be used: " + errors.map(\.description).joined(separator: "; ")
    case .differentClusters(let one, let other):
      "\(one) and \(other) belong to different etcd clusters"
    case .onlyLearners(let endpoints):
      "only learners answered: " + endpoints.map(\.description).joined(separator: ", ")
    case .corrupt(let alarm):
      "etcd reports a corrupt member (\(alarm)), so its data is not to be trusted"
    }
  }
}
