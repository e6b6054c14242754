// What to do where no member can be backed up.

package import Etcd
internal import HTTP

extension EtcdError {
  /// `nil` where only another attempt helps.
  package var hint: String? {
    switch self {
    case .unreachable(let endpoint, let error): Self.hint(unreachable: endpoint, error)
    case .refused(let endpoint, _, let message): hint(refused: endpoint, message)
    case .strangeAnswer(_, _, let status, let text): Self.hint(status: status, text: text)
    case .noGateway:
      "Is etcd started with --enable-grpc-gateway=false, or from a configuration file without "
        + "enable-grpc-gateway: true (needed before 3.5)? Does a proxy in front of it pass only gRPC? "
        + "Then set APP_BACKUP_ETCD_TRANSPORT=grpc."
    case .notGRPC:
      "Does a proxy in front of etcd pass only HTTP/1.1? Then set APP_BACKUP_ETCD_TRANSPORT=gateway."
    case .noUsableEndpoint(let errors):
      // Where the run was stopped, that is the reason, and not what other endpoints did.
      errors.first { $0.stopReason != nil }.map(\.hint) ?? errors.lazy.compactMap(\.hint).first
    case .differentClusters:
      "List the client URLs of one cluster only in APP_BACKUP_ETCD_ENDPOINTS."
    case .onlyLearners: "Add the URL of a voting member to APP_BACKUP_ETCD_ENDPOINTS."
    case .corrupt:
      "Find the corrupt member with `etcdctl endpoint hashkv`, replace it, and disarm the alarm. Until "
        + "then restore from the last recorded backup."
    }
  }

  private static func hint(unreachable endpoint: Endpoint, _ error: TransferError) -> String? {
    switch error.kind {
    case .handshakeFailed where error.detail.contains("wrong version number"),
      // It just hung up, in one of the ways to do so.
      .handshakeFailed where error.detail.contains("SSL_ERROR_SYSCALL"),
      .handshakeFailed where error.detail.contains("reset by peer"),
      .handshakeFailed where error.detail.contains("unexpected eof"):
      "Does the port speak plain http? Then write http:// in APP_BACKUP_ETCD_ENDPOINTS."
    case .notHTTP:
      "The port speaks gRPC only. Is --listen-client-http-urls set on etcd? Then the gateway is at "
        + "that URL. Or set APP_BACKUP_ETCD_TRANSPORT=grpc."
    case .cutShort where endpoint.scheme == .http:
      "Does the port speak TLS? Then write https:// in APP_BACKUP_ETCD_ENDPOINTS."
    case .cutShort, .refusedIdentity, .handshakeFailed:
      "Does etcd demand a client certificate? Then set APP_BACKUP_CLIENT_TLS_SECRET to a Secret with "
        + "one that etcd's --trusted-ca-file signs."
    default: error.hint
    }
  }

  private func hint(refused endpoint: Endpoint, _ message: String) -> String? {
    switch Refusal(message) {
    case .credentialsMissing:
      "The cluster demands etcd users: set APP_BACKUP_ETCD_CREDENTIALS_SECRET to a Secret with "
        + "username and password."
    case .credentialsWrong:
      "Correct username and password in the Secret of APP_BACKUP_ETCD_CREDENTIALS_SECRET."
    case .notRoot:
      "Grant the user of APP_BACKUP_ETCD_CREDENTIALS_SECRET etcd's root role: a snapshot needs it."
    case .tokenInvalid:
      "Did etcd restart in the meantime? Another attempt gets a new token."
    case nil where isQuorumLoss:
      "Has the cluster lost its quorum? Then bring back a majority of its members."
    case nil where endpoint.scheme == .https && Self.isGatewayCutOff(message):
      "Issue etcd's server certificate with the extended key usage clientAuth beside serverAuth: its "
        + "gateway cannot reach its own server. Or set APP_BACKUP_ETCD_TRANSPORT=grpc."
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
      "Use a client certificate without a common name, and APP_BACKUP_ETCD_CREDENTIALS_SECRET: etcd's "
        + "gateway refuses others while authentication is on. Or set APP_BACKUP_ETCD_TRANSPORT=grpc, "
        + "where the common name is the etcd user."
    } else if text.contains("HTTPS") {
      "The port speaks TLS: write https:// in APP_BACKUP_ETCD_ENDPOINTS."
    } else if status == 421 {
      "Use a host name that etcd's --host-whitelist lists."
    } else if status == 503 {
      "Is etcd still starting? With TLS: does its server certificate carry the extended key usage "
        + "clientAuth beside serverAuth?"
    } else {
      "Is this an etcd client URL, and not a proxy's?"
    }
  }
}
