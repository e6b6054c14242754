// What the Secrets open: the container, the etcd cluster, and the namespace they were read from.

internal import Azure
internal import Certificates
internal import Etcd
internal import HTTP
internal import Kubernetes

/// The way to the stored backups and to the record; only Kubernetes has been contacted by then.
struct StoreAccess {
  let cluster: Cluster
  let container: BlobContainer
  /// What a log should mention about the way to Kubernetes.
  let warnings: [String]

  init(
    _ configuration: StoreConfiguration, environment: [String: String], transport: Transport
  ) throws {
    let server = try Self.server(configuration, environment: environment)
    warnings = server.warnings
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
    let keyText = try secret.text("storage-key")
    if let mistake = AccountKey.mistake(in: keyText) {
      throw SecretError.notAKey(secret: "\(secret)", mistake)
    }
    guard let key = AccountKey(keyText) else {
      throw SecretError.unusableKey(secret: "\(secret)")
    }

    var connection = Connection()
    connection.proxy = .environment
    // An upload of a whole block may take a while to be answered.
    connection.timeouts.stall = .seconds(60)
    if let authorities = configuration.storageCA { connection.trust = .authorities(authorities) }
    return BlobContainer(
      configuration.container, of: endpoint, key: key, version: configuration.storageVersion,
      transport: transport,
      connection: connection, retryPolicy: retryPolicy)
  }
}

/// Everything a run talks to, ready to be used; only Kubernetes has been contacted by then.
struct Access {
  let cluster: Cluster
  let container: BlobContainer
  let etcd: EtcdCluster
  /// What a log should mention about the ways to Kubernetes and etcd.
  let warnings: [String]

  init(
    _ configuration: Configuration, environment: [String: String], transport: Transport
  ) throws {
    let store = try StoreAccess(
      configuration.store, environment: environment, transport: transport)
    cluster = store.cluster
    container = store.container
    let etcd = try Self.etcd(configuration, cluster, transport)
    self.etcd = etcd.cluster
    warnings = store.warnings + etcd.warnings
  }

  static func etcd(
    _ configuration: Configuration, _ cluster: Cluster, _ transport: Transport
  ) throws -> (cluster: EtcdCluster, warnings: [String]) {
    var connection = Connection()
    connection.timeouts.connect = .seconds(8)
    var warnings: [String] = []
    if let name = configuration.tlsSecretName {
      let secret = try cluster.secret(named: name)
      let place = "Secret \(secret.namespace)/\(secret.name)"
      do {
        connection.trust = .authorities(
          try CertificateAuthorities(text("etcd-client-ca.crt", of: secret)))
        let identity = try ClientIdentity(
          certificate: text("etcd-client.crt", of: secret),
          key: text("etcd-client.key", of: secret))
        connection.identity = identity
        warnings = identity.warning().map { ["\(place): \($0)"] } ?? []
      } catch let fault as CertificateFault {
        throw SecretError.certificate(place: place, fault)
      }
    }
    var credentials: Etcd.Credentials?
    if let name = configuration.credentialsSecretName {
      let secret = try cluster.secret(named: name)
      credentials = Etcd.Credentials(
        username: try secret.text("username"), password: try secret.text("password"))
    }
    let cluster = EtcdCluster(
      endpoints: configuration.endpoints, credentials: credentials,
      kind: configuration.etcdTransport, transport: transport, connection: connection)
    return (cluster, warnings)
  }

  private static func text(_ key: String, of secret: Secret) throws -> PEMText {
    PEMText(try secret.bytes(key), named: key)
  }
}

/// A Secret was read, but what is in it cannot be used.
enum SecretError: Explained, Equatable {
  /// Its value is not told: it may be a connection string, or the key by mistake.
  case unusableAccount(secret: String, expected: String)
  case unusableKey(secret: String)
  case notAKey(secret: String, AccountKey.Mistake)
  case certificate(place: String, CertificateFault)

  var description: String {
    switch self {
    case .unusableAccount(let secret, let expected):
      "storage-account of \(secret) is not \(expected)"
    case .unusableKey(let secret): "storage-key of \(secret) is not base64"
    case .notAKey(let secret, .signature):
      "storage-key of \(secret) is a shared access signature (SAS), not an account key"
    case .notAKey(let secret, .connectionString):
      "storage-key of \(secret) is a connection string, not an account key"
    case .notAKey(let secret, .encodedTwice):
      "storage-key of \(secret) is encoded in base64 twice"
    case .certificate(let place, let fault): "\(place): \(fault)"
    }
  }

  var hint: String? {
    switch self {
    case .unusableAccount: "put the account's name alone there, and its URL into APP_ABS_ENDPOINT"
    case .unusableKey: "copy one of the account's two keys from the portal, whole, without quotes"
    case .notAKey(_, .signature):
      "store one of the account's two keys: this program signs its requests with a key"
    case .notAKey(_, .connectionString): "store only what follows AccountKey= there, up to the ;"
    case .notAKey(_, .encodedTwice):
      "store the key as the portal shows it: under stringData, or with kubectl create secret "
        + "generic --from-literal, which encode it themselves"
    case .certificate(_, let fault): fault.hint
    }
  }

  var isConfiguration: Bool { true }
  var stopReason: StopReason? { nil }
}
