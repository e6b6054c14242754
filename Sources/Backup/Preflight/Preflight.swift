// Contacts everything that a run contacts, with the run's own credentials; the only thing that it
// writes is one block, which never becomes a blob.

internal import Azure
internal import Etcd
internal import HTTP
internal import Kubernetes

/// Tries everything that a run needs; what it writes into the container is never committed.
///
/// ```swift
/// let preflight = Preflight(configuration, environment: environment, deadline: deadline, log: log) {
///   findings.append($0)
/// }
/// try preflight.run()
/// ```
package final class Preflight {
  let configuration: Configuration
  private let environment: [String: String]
  private let tell: (Finding) -> Void
  private let transport: Transport
  private(set) package var findings: [Finding] = []

  /// A person waits for the result, so it retries only briefly.
  private static let retryPolicy = RetryPolicy(
    maximumAttempts: 3, firstDelay: .milliseconds(300), longestDelay: .seconds(2))

  /// `tell` gets each finding as soon as it is known.
  package init(
    _ configuration: Configuration, environment: [String: String], deadline: RunDeadline, log: Log,
    tell: @escaping (Finding) -> Void
  ) {
    self.configuration = configuration
    self.environment = environment
    self.tell = tell
    transport = Transport { deadline.stopReason }
    transport.logRetries(to: log)
  }

  /// Throws only where the run must stop; what cannot be checked because of an earlier failure is
  /// left out.
  package func run() throws {
    add(.pass, "configuration", "every variable is well formed")
    for warning in configuration.warnings {
      add(.warn, "configuration", warning.text, remedy: warning.hint)
    }
    if !configuration.checksPages {
      add(
        .warn, "page check", "off: a broken database would be stored as a backup",
        remedy: "Set APP_BACKUP_PAGE_CHECK=on as soon as a member has a sound database.")
    }
    tellOfSettings()
    if let folder = configuration.spoolFolder { try checkSpool(in: folder) }
    var cluster: Cluster?
    if configuration.usesKubernetes {
      cluster = try reachKubernetes()
      if cluster == nil { return }
    } else {
      add(.pass, "kubernetes", "not used: neither a Secret nor a ConfigMap is named")
    }
    let account = try checkAccount(cluster)
    let fields = try checkRecord(in: cluster)
    if let etcd = try openEtcd(cluster) { try checkMembers(of: etcd) }
    guard let account else { return }
    let container = StoreAccess.container(
      configuration.store, account, transport, retryPolicy: Self.retryPolicy)
    try checkStore(container, record: fields)
  }

  private func checkSpool(in folder: String) throws {
    try attempt("spool \(folder)") {
      _ = try Spool(in: folder)
      add(.pass, "spool \(folder)", "can be written to")
    }
  }

  // MARK: Telling

  func add(_ finding: Finding) {
    findings.append(finding)
    tell(finding)
  }

  func add(
    _ outcome: Finding.Outcome, _ subject: String, _ detail: String, remedy: String? = nil
  ) {
    add(Finding(outcome, subject, detail, remedy: remedy))
  }

  /// The value, or `nil` after telling why there is none.
  func attempt<Value>(_ subject: String, _ work: () throws -> Value) throws -> Value? {
    do {
      return try work()
    } catch let error as any OperatorError where error.stopReason == nil {
      add(Finding(subject, error))
      return nil
    }
  }

  // MARK: Kubernetes

  private func reachKubernetes() throws -> Cluster? {
    let cluster: Cluster?? = try attempt("kubernetes") {
      guard
        let server = try StoreAccess.server(configuration.store, environment: environment)
      else { return nil }
      let cluster = Cluster(
        server, namespace: configuration.namespace, transport: transport,
        retryPolicy: Self.retryPolicy)
      // Any question will do: everybody who is known may ask what he is allowed to do.
      _ = try allowed("get", .configMaps, configuration.recordConfigMapName, in: cluster)
      for warning in server.warnings { add(.warn, "kubernetes", warning) }
      if server.warnings.isEmpty {
        add(.pass, "kubernetes", "\(server) accepts our credentials")
      }
      return cluster
    }
    return cluster ?? nil
  }

  /// `nil` where not even the question is allowed.
  private func allowed(
    _ verb: String, _ resource: APICall.Resource, _ name: String?, in cluster: Cluster
  ) throws(KubernetesError) -> Bool? {
    do throws(KubernetesError) {
      return try cluster.canI(verb, resource, named: name)
    } catch .forbidden {
      return nil
    }
  }

  /// What the record says, `nil` within where there is none; `nil` where it cannot be read.
  private func checkRecord(in cluster: Cluster?) throws -> [String: String]?? {
    guard let cluster, let name = configuration.recordConfigMapName else {
      add(.pass, "record", "none: the backups' own metadata tells which one is the newest")
      return nil
    }
    let subject = "record \(configuration.namespace)/\(name)"
    let found = try attempt(subject) { try cluster.configMap(named: name) }
    guard let fields = found else { return nil }
    try checkWriting(verb: fields == nil ? "create" : "patch", name, subject, in: cluster)
    if let text = fields?[Record.pathKey], !text.isEmpty {
      do {
        _ = try BackupPath(text)
      } catch {
        add(
          .fail, subject, "\(error): a restore of the recorded backup would fail",
          remedy: "Take a backup, which replaces it. For a restore see etcd-backup list.")
      }
    } else {
      add(
        .warn, subject, "no backup is recorded yet",
        remedy: "Take a backup: the first run records one.")
    }
    return fields
  }

  private func checkWriting(
    verb: String, _ name: String, _ subject: String, in cluster: Cluster
  ) throws {
    // A ConfigMap that does not exist yet cannot be named in a rule that allows creating it.
    let named = verb == "create" ? nil : name
    let answer = try attempt(subject) {
      let isAllowed = try allowed(verb, .configMaps, named, in: cluster)
      // Roles written for the predecessor allow update in place of patch.
      guard isAllowed == false, verb == "patch" else { return isAllowed }
      return try allowed("update", .configMaps, named, in: cluster)
    }
    switch answer {
    case nil: break
    case .some(true?):
      add(
        .pass, subject,
        verb == "create"
          ? "does not exist yet, and may be created" : "was read, and may be written")
    case .some(false?):
      let call = APICall(verb, .configMaps, named: name, in: configuration.namespace)
      add(Finding(subject, KubernetesError.forbidden(call, message: "no rule allows it")))
    case .some(nil):
      add(
        .warn, subject, "whether it can be written is not known: we may not ask",
        remedy: "Allow create on selfsubjectaccessreviews, as Kubernetes does by default.")
    }
  }

  // MARK: Secrets

  private func checkAccount(_ cluster: Cluster?) throws -> StoreAccount? {
    let subject = "\(configuration.accountPlace)"
    return try attempt(subject) {
      let account = try StoreAccess.account(configuration.store, cluster, transport)
      try account.checkPermissions(for: configuration.commit)
      add(
        .pass, subject,
        "names the storage account \(account.endpoint.account) and holds "
          + account.credentialText)
      let warnings = account.warnings(
        now: Timestamp.secondsNow(), timeout: configuration.timeout)
      for warning in warnings { add(.warn, subject, warning.text, remedy: warning.hint) }
      return account
    }
  }

  private func openEtcd(_ cluster: Cluster?) throws -> EtcdCluster? {
    let etcd = try attempt("secrets of etcd") {
      try RunClients.etcd(configuration, cluster, transport)
    }
    guard let etcd else { return nil }
    let names = [
      configuration.tlsPlace.map { "client certificate from \($0.name)" },
      configuration.credentialsPlace.map { "user from \($0.name)" },
    ].compactMap { $0 }
    for warning in etcd.warnings {
      add(.warn, "secrets of etcd", warning, remedy: "Renew the certificate.")
    }
    if !names.isEmpty, etcd.warnings.isEmpty {
      add(.pass, "secrets of etcd", names.joined(separator: ", "))
    }
    return etcd.cluster
  }
}
