// What the Secrets open: the container, the etcd cluster, and the place of the record.

internal import Azure
internal import Etcd
internal import HTTP
internal import Kubernetes

/// The way to the stored backups and to the record; only Kubernetes has been contacted by then.
struct StoreAccess {
  /// `nil` where Kubernetes is not used.
  let cluster: Cluster?
  let container: BlobContainer
  let account: StoreAccount
  /// What a log should mention about the way to Kubernetes.
  let warnings: [String]

  init(
    _ configuration: StoreConfiguration, environment: [String: String], transport: Transport
  ) throws {
    let server = try Self.server(configuration, environment: environment)
    warnings = server?.warnings ?? []
    cluster = server.map {
      Cluster($0, namespace: configuration.namespace, transport: transport)
    }
    account = try Self.account(configuration, cluster, transport)
    container = Self.container(configuration, account, transport)
  }

  /// `nil` where Kubernetes is not used.
  static func server(
    _ configuration: StoreConfiguration, environment: [String: String]
  ) throws(KubernetesError) -> APIServer? {
    guard configuration.usesKubernetes else { return nil }
    return if let path = configuration.kubeconfigPath {
      try APIServer.kubeconfig(
        at: path, environment: environment, allowingPlugins: configuration.allowsPlugins)
    } else {
      try APIServer.inCluster(environment: environment)
    }
  }

  /// Throws where the credential has expired.
  static func account(
    _ configuration: StoreConfiguration, _ cluster: Cluster?, _ transport: Transport
  ) throws -> StoreAccount {
    func read() throws -> StoreAccount {
      try StoreAccount(
        configuration, SecretValues(configuration.accountPlace, in: cluster), transport)
    }
    var account = try read()
    let endpoint = account.endpoint
    account.credential = account.credential.readAgain {
      let other = try read()
      // What opens another account is no rotation.
      guard other.endpoint == endpoint else { throw SecretError.otherAccount }
      return other.credential
    }
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
  /// `nil` where nothing is recorded.
  let record: RecordPlace?
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
    record = RecordPlace(configuration.store, in: store.cluster)
    container = store.container
    try store.account.checkPermissions(for: configuration.commit)
    credentialWarnings = store.account.warnings(
      now: Timestamp.secondsNow(), timeout: configuration.timeout)
    let etcd = try Self.etcd(configuration, store.cluster, transport)
    self.etcd = etcd.cluster
    warnings = store.warnings + etcd.warnings
  }

  static func etcd(
    _ configuration: Configuration, _ cluster: Cluster?, _ transport: Transport
  ) throws -> (cluster: EtcdCluster, warnings: [String]) {
    let secrets = try EtcdSecrets(configuration, in: cluster)
    let members = EtcdCluster(
      endpoints: configuration.endpoints, credentials: secrets.credentials,
      kind: configuration.etcdTransport, transport: transport, connection: secrets.connection)
    return (members, secrets.warnings)
  }
}
