/// What the Secrets open: the container, the etcd cluster, and the namespace they were read from.

internal import AzureBlob
internal import Etcd
internal import HTTP
internal import Kubernetes

/// The way to the stored backups and to the record; only Kubernetes has been contacted by then.
struct StoreAccess {
  let cluster: Cluster
  let container: BlobContainer
  /// Something about the way to Kubernetes that a log should mention.
  let warning: String?

  init(
    _ configuration: StoreConfiguration, environment: [String: String], transport: Transport
  ) throws {
    let server = try Self.server(configuration, environment: environment)
    warning = server.warning
    cluster = Cluster(server, namespace: configuration.namespace, transport: transport)
    container = try Self.container(configuration, cluster, transport)
  }

  static func server(
    _ configuration: StoreConfiguration, environment: [String: String]
  ) throws(KubernetesError) -> APIServer {
    if let path = configuration.kubeconfigPath {
      try APIServer.kubeconfig(at: path)
    } else {
      try APIServer.inCluster(environment: environment)
    }
  }

  static func container(
    _ configuration: StoreConfiguration, _ cluster: Cluster, _ transport: Transport,
    retryPolicy: RetryPolicy = .standard
  ) throws -> BlobContainer {
    let secret = try cluster.secret(named: configuration.accountSecretName)
    let endpoint: StorageEndpoint
    do {
      endpoint = try StorageEndpoint(
        account: secret.text("storage-account"), url: configuration.storageURL)
    } catch let problem as InvalidValue {
      throw SecretError.unusableAccount(secret: "\(secret)", expected: problem.expected)
    }
    guard let key = AccountKey(try secret.text("storage-key")) else {
      throw SecretError.unusableKey(secret: "\(secret)")
    }

    var connection = Connection()
    connection.proxy = .environment
    // An upload of a whole block may take a while to be answered.
    connection.timeouts.stall = .seconds(60)
    if let authorities = configuration.storageCA { connection.trust = .authorities(authorities) }
    return BlobContainer(
      configuration.container, of: endpoint, key: key, transport: transport,
      connection: connection, retryPolicy: retryPolicy)
  }
}

/// Everything a run talks to, ready to be used; only Kubernetes has been contacted by then.
struct Access {
  let cluster: Cluster
  let container: BlobContainer
  let etcd: EtcdCluster
  let warning: String?

  init(
    _ configuration: Configuration, environment: [String: String], transport: Transport
  ) throws {
    let store = try StoreAccess(
      configuration.store, environment: environment, transport: transport)
    cluster = store.cluster
    container = store.container
    warning = store.warning
    etcd = try Self.etcd(configuration, cluster, transport)
  }

  static func etcd(
    _ configuration: Configuration, _ cluster: Cluster, _ transport: Transport
  ) throws -> EtcdCluster {
    var connection = Connection()
    connection.timeouts.connect = .seconds(8)
    if let name = configuration.tlsSecretName {
      let secret = try cluster.secret(named: name)
      connection.trust = .authorities(try pem("etcd-client-ca.crt", of: secret))
      connection.identity = ClientIdentity(
        certificate: try pem("etcd-client.crt", of: secret),
        key: try pem("etcd-client.key", of: secret))
    }
    var credentials: Etcd.Credentials?
    if let name = configuration.credentialsSecretName {
      let secret = try cluster.secret(named: name)
      credentials = Etcd.Credentials(
        username: try secret.text("username"), password: try secret.text("password"))
    }
    return EtcdCluster(
      endpoints: configuration.endpoints, credentials: credentials,
      kind: configuration.etcdTransport, transport: transport, connection: connection)
  }

  private static func pem(_ key: String, of secret: Secret) throws -> [UInt8] {
    let text = try secret.text(key)
    guard text.contains("-----BEGIN ") else {
      throw SecretError.notPEM(key: key, secret: "\(secret)")
    }
    return Array("\(text)\n".utf8)
  }
}

/// A Secret was read, but what is in it cannot be used.
enum SecretError: Explained, Equatable {
  /// Its value is not told: it may be a connection string, or the key by mistake.
  case unusableAccount(secret: String, expected: String)
  case unusableKey(secret: String)
  case notPEM(key: String, secret: String)

  var description: String {
    switch self {
    case .unusableAccount(let secret, let expected):
      "storage-account of \(secret) is not \(expected)"
    case .unusableKey(let secret): "storage-key of \(secret) is not base64"
    case .notPEM(let key, let secret): "\(key) of \(secret) is not PEM"
    }
  }

  var hint: String? {
    switch self {
    case .unusableAccount: "put the account's name alone there, and its URL into APP_ABS_ENDPOINT"
    case .unusableKey: "copy one of the account's two keys from the portal, whole, without quotes"
    case .notPEM:
      "the value holds -----BEGIN CERTIFICATE----- or -----BEGIN … PRIVATE KEY-----"
    }
  }

  var isConfiguration: Bool { true }
  var stopReason: StopReason? { nil }
}
