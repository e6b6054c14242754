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
  /// Whether the configuration or the cluster's permissions must change before another try can help.
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
  var isQuorumLoss: Bool {
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
enum Refusal: Equatable {
  case credentialsMissing
  case credentialsWrong
  case notRoot
  case tokenInvalid

  static func isAuthenticationOff(_ message: String) -> Bool {
    message.hasSuffix("authentication is not enabled")
  }

  init?(_ message: String) {
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

  /// What an operator can do about it; `nil` where only another attempt helps.
  package var hint: String? {
    switch self {
    case .unreachable(let endpoint, let error): Self.hint(unreachable: endpoint, error)
    case .refused(let endpoint, _, let message): Self.hint(refused: endpoint, message)
    case .strangeAnswer(_, _, let status, let text): Self.hint(status: status, text: text)
    case .noGateway:
      "is etcd started with --enable-grpc-gateway=false, or from a configuration file without enable-grpc-gateway: true (needed before 3.5)? does a proxy stand in front that passes only gRPC? then set APP_BACKUP_ETCD_TRANSPORT=grpc"
    case .notGRPC:
      "does a proxy stand in front that passes only HTTP/1.1? then set APP_BACKUP_ETCD_TRANSPORT=gateway"
    case .noUsableEndpoint(let errors):
      // Where the run was stopped, that is the reason, and not what other endpoints did.
      errors.first { $0.stopReason != nil }.map(\.hint) ?? errors.lazy.compactMap(\.hint).first
    case .differentClusters:
      "list the client URLs of one cluster only in APP_BACKUP_ETCD_ENDPOINTS"
    case .onlyLearners: "add the URL of a voting member to APP_BACKUP_ETCD_ENDPOINTS"
    case .corrupt:
      "find the corrupt member with etcdctl endpoint hashkv, replace it, disarm the alarm; until then restore from the last recorded backup"
    }
  }

  private static func hint(unreachable endpoint: Endpoint, _ error: TransferError) -> String? {
    switch error.kind {
    case .handshakeFailed where error.detail.contains("wrong version number"),
      // It just hung up, in one of the ways to do so.
      .handshakeFailed where error.detail.contains("SSL_ERROR_SYSCALL"),
      .handshakeFailed where error.detail.contains("reset by peer"),
      .handshakeFailed where error.detail.contains("unexpected eof"):
      "does the port speak plain http? then write http:// in APP_BACKUP_ETCD_ENDPOINTS"
    case .notHTTP:
      "the port speaks gRPC only: is --listen-client-http-urls set on etcd? then the gateway is at that URL; or set APP_BACKUP_ETCD_TRANSPORT=grpc"
    case .cutShort where endpoint.scheme == .http:
      "does the port speak TLS? then write https:// in APP_BACKUP_ETCD_ENDPOINTS"
    case .cutShort, .refusedIdentity, .handshakeFailed:
      "does etcd demand a client certificate? then set APP_BACKUP_CLIENT_TLS_SECRET to a Secret with one that etcd's --trusted-ca-file signs"
    default: error.hint
    }
  }

  private static func hint(refused endpoint: Endpoint, _ message: String) -> String? {
    switch Refusal(message) {
    case .credentialsMissing:
      "the cluster demands etcd users: set APP_BACKUP_ETCD_CREDENTIALS_SECRET to a Secret with username and password"
    case .credentialsWrong:
      "are username and password in the Secret of APP_BACKUP_ETCD_CREDENTIALS_SECRET right?"
    case .notRoot:
      "grant the user of APP_BACKUP_ETCD_CREDENTIALS_SECRET etcd's root role: a snapshot needs it"
    case .tokenInvalid:
      "did etcd restart in the meantime? another attempt gets a new token"
    case nil where tellsOfQuorumLoss(message):
      "has the cluster lost its quorum? then bring back a majority of its members"
    case nil where endpoint.scheme == .https && isGatewayCutOff(message):
      "etcd's gateway cannot reach its own server: does etcd's server certificate carry the extended key usage clientAuth beside serverAuth? or set APP_BACKUP_ETCD_TRANSPORT=grpc"
    case nil: nil
    }
  }

  /// What the gateways of the releases in use say when their own server hangs up on them.
  private static func isGatewayCutOff(_ message: String) -> Bool {
    ["SubConn", "tls: bad certificate", "connection closed", "connection error"].contains {
      message.contains($0)
    }
  }

  private static func hint(status: Int, text: String) -> String? {
    if text.contains("CommonName") {
      "etcd's gateway refuses client certificates with a common name while authentication is on: use a certificate without one, and APP_BACKUP_ETCD_CREDENTIALS_SECRET; or set APP_BACKUP_ETCD_TRANSPORT=grpc, where the common name is the etcd user"
    } else if text.contains("HTTPS") {
      "the port speaks TLS: write https:// in APP_BACKUP_ETCD_ENDPOINTS"
    } else if status == 421 {
      "etcd's --host-whitelist does not hold this host name: use one that it lists"
    } else if status == 503 {
      "is etcd still starting? with TLS: does its server certificate carry the extended key usage clientAuth beside serverAuth?"
    } else {
      "is this an etcd client URL, and not a proxy's?"
    }
  }
}
