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
  let account: StoreAccount
  /// What a log should mention about the way to Kubernetes.
  let warnings: [String]

  init(
    _ configuration: StoreConfiguration, environment: [String: String], transport: Transport
  ) throws {
    let server = try Self.server(configuration, environment: environment)
    warnings = server.warnings
    cluster = Cluster(server, namespace: configuration.namespace, transport: transport)
    account = try Self.account(configuration, cluster, transport)
    container = Self.container(configuration, account, transport)
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

  /// Throws where the credential has expired.
  static func account(
    _ configuration: StoreConfiguration, _ cluster: Cluster, _ transport: Transport
  ) throws -> StoreAccount {
    let secret = try cluster.secret(named: configuration.accountSecretName)
    let account = try StoreAccount(configuration, secret, transport)
    try account.checkExpiry(now: Timestamp.secondsNow())
    return account
  }

  static func container(
    _ configuration: StoreConfiguration, _ account: StoreAccount, _ transport: Transport,
    retryPolicy: RetryPolicy = .standard
  ) -> BlobContainer {
    var connection = Self.connection(configuration)
    // An upload of a whole block may take a while to be answered.
    connection.timeouts.stall = .seconds(60)
    return BlobContainer(
      configuration.container, of: account.endpoint, credential: account.credential,
      version: configuration.storageVersion, transport: transport, connection: connection,
      retryPolicy: retryPolicy)
  }
}

extension StoreAccess {
  /// The way to the store, and to the authority that issues tokens for it.
  static func connection(_ configuration: StoreConfiguration) -> Connection {
    var connection = Connection()
    connection.proxy = .environment
    if let authorities = configuration.storageCA { connection.trust = .authorities(authorities) }
    return connection
  }
}

/// Everything a run talks to, ready to be used; only Kubernetes has been contacted by then.
struct RunClients {
  let cluster: Cluster
  let container: BlobContainer
  let etcd: EtcdCluster
  /// What a log should mention about the ways to Kubernetes and etcd.
  let warnings: [String]
  let credentialWarnings: [CredentialWarning]

  init(
    _ configuration: Configuration, environment: [String: String], transport: Transport
  ) throws {
    let store = try StoreAccess(
      configuration.store, environment: environment, transport: transport)
    cluster = store.cluster
    container = store.container
    try store.account.checkPermissions()
    credentialWarnings = store.account.warnings(
      now: Timestamp.secondsNow(), timeout: configuration.timeout)
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
enum SecretError: OperatorError, Equatable {
  /// Its value is not told: it may be a connection string, or the key by mistake.
  case unusableAccount(secret: String, expected: String)
  case unusableKey(secret: String)
  case notAKey(secret: String, AccountKey.Mistake)
  case certificate(place: String, CertificateFault)
  case signature(place: String, SignatureFault)
  case connectionString(place: String, ConnectionStringFault)
  case otherAddress(place: String, address: String, configured: String)
  case readableOnTheWay(place: String, address: String)
  case readableToken(address: String)

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
    case .signature(let place, let fault): "\(place) \(fault)"
    case .connectionString(let place, let fault): "\(place) \(fault)"
    case .otherAddress(let place, let address, let configured):
      "\(place) names the blob endpoint \(address), but APP_ABS_ENDPOINT is \(configured)"
    case .readableOnTheWay(let place, let address):
      "\(place) names the blob endpoint \(address), which is not encrypted: the database would "
        + "travel readable for all on the way"
    case .readableToken(let address):
      "the blob endpoint \(address) is not encrypted: a token would travel readable for all on the way"
    }
  }

  var hint: String? {
    switch self {
    case .unusableAccount: "put the account's name alone there, and its URL into APP_ABS_ENDPOINT"
    case .unusableKey: "copy one of the account's two keys from the portal, whole, without quotes"
    case .notAKey(_, .signature):
      "Store the SAS under the key sas-token and set APP_ABS_AUTHENTICATION=sas, or store one of "
        + "the account's two keys."
    case .notAKey(_, .connectionString):
      "store only what follows AccountKey= there, up to the ;, or set "
        + "APP_ABS_AUTHENTICATION=connection-string and use the key connection-string"
    case .notAKey(_, .encodedTwice):
      "store the key as the portal shows it: under stringData, or with kubectl create secret "
        + "generic --from-literal, which encode it themselves"
    case .certificate(_, let fault): fault.hint
    case .signature(_, let fault): fault.hint
    case .connectionString(_, let fault): fault.hint
    case .readableToken: "Use an https endpoint."
    case .otherAddress: "Remove APP_ABS_ENDPOINT, or correct the connection string."
    case .readableOnTheWay: "Use https, or set APP_ABS_ALLOW_HTTP=on where that is meant."
    }
  }

  var isConfiguration: Bool { true }
  var stopReason: StopReason? { nil }
}
