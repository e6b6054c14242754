// The part of the configuration that leads to the backups: what every command needs, also where there is no etcd left.

package import Azure
package import Certificates
package import HTTP

package struct StoreConfiguration: Sendable {
  /// Without it no API is contacted, and nothing is recorded.
  package let usesKubernetes: Bool
  /// Empty where Kubernetes is not used.
  package let namespace: String
  package let kubeconfigPath: String?
  /// Whether the kubeconfig may name a program that prints the credential.
  package let allowsPlugins: Bool

  package let container: ContainerName
  package let accountPlace: SecretPlace
  package let authentication: StorageAuthentication
  package let identity: IdentitySettings
  /// Without a slash at its end.
  package let blobPrefix: String
  package let storageURL: ServerURL?
  /// Whether the store may be reached without encryption.
  package let allowsHTTP: Bool
  package let storageVersion: ServiceVersion
  package let storageCA: CertificateAuthorities?
  /// Bytes; also of the ranges in which a blob is read.
  package let blockSize: Int
  package let blocksInFlight: Int
  /// Whether a backup must hold a sound database.
  package let checksPages: Bool

  /// `nil` where it is not set: then nothing is known of a recorded backup. A run has none only where
  /// Kubernetes is not used.
  package let recordConfigMapName: String?
  /// `nil` if it is not set: then it is unknown what retention would do.
  package let retention: RetentionPolicy?

  /// Where the identities are that decrypt backups, besides the command line; `nil` where nowhere.
  package let identityPlace: SecretPlace?

  package let timeout: Duration
  package let logSettings: LogSettings
  /// What can be done, but is probably not meant.
  package let warnings: [ConfigurationWarning]

  /// Reads everything before it complains. `needingRecord` is for a command that cannot do without
  /// the ConfigMap, `needingRetention` for one that cannot without the policy; `readFile` gives the bytes of a file, or throws.
  package init(
    environment: [String: String], needingRecord: Bool = false, needingRetention: Bool = false,
    readFile: @escaping (String) throws -> [UInt8]
  ) throws(ConfigurationError) {
    var reader = EnvironmentReader(environment, readFile: readFile)
    let configuration = StoreConfiguration(&reader)
    if needingRecord, configuration?.recordConfigMapName == nil {
      reader.complainIfMissing(.recordConfigMap)
    }
    if needingRetention {
      reader.complainIfMissing(.keepNewest)
      reader.complainIfMissing(.expiration)
    }
    guard let configuration, reader.mistakes.isEmpty else {
      throw ConfigurationError(mistakes: reader.mistakes)
    }
    self = configuration
  }

  /// `nil` only after a complaint.
  init?(_ reader: inout EnvironmentReader) {
    KubernetesUse.check(&reader)
    let usesKubernetes = KubernetesUse.isUsed(reader)
    if usesKubernetes { reader.complainIfMissing(.namespace) }
    let namespace = reader.optional(.namespace, ConfigurationValue.namespace)
    let container = reader.required(.container) { text throws(InvalidValue) in
      try ContainerName(configured: text)
    }
    let storageURL = reader.optional(.storageEndpoint) { text throws(InvalidValue) in
      try ServerURL(service: text)
    }
    let authentication = reader.required(
      .storageAuthentication, ConfigurationValue.storageAuthentication)
    let accountPlace = reader.accountPlace(for: authentication)
    let identity = IdentitySettings(&reader, authentication, storageURL: storageURL)
    let blobPrefix = reader.required(.blobPrefix) { text throws(InvalidValue) in
      try BlobPrefix(configured: text).description
    }
    let allowsHTTP = reader.required(.allowHTTP, ConfigurationValue.onOrOff)
    let storageVersion = reader.required(.apiVersion) { text throws(InvalidValue) in
      try ServiceVersion(text)
    }
    let storageCA = reader.certificates(.storageCA)
    let recordConfigMapName = reader.optional(.recordConfigMap, ConfigurationValue.objectName)
    let keepNewest = reader.optional(.keepNewest, ConfigurationValue.number(in: 0...100_000))
    let expiration = reader.optional(.expiration, ConfigurationValue.duration)
    let keepDaily = reader.required(.keepDaily, ConfigurationValue.number(in: 0...366))
    let keepWeekly = reader.required(.keepWeekly, ConfigurationValue.number(in: 0...520))
    let keepMonthly = reader.required(.keepMonthly, ConfigurationValue.number(in: 0...240))
    let historyExpiration = reader.required(.historyExpiration, ConfigurationValue.duration)
    let timeout = reader.required(.timeout, ConfigurationValue.positiveDuration)
    let blockSize = reader.required(
      .blockSize, ConfigurationValue.byteCount(in: 1 << 20...16 << 20))
    let blocksInFlight = reader.optional(.blocksInFlight, ConfigurationValue.number(in: 1...31))
    let checksPages = reader.required(.pageCheck, ConfigurationValue.onOrOff)
    let identityPlace = reader.place(.identitySecret, .identityFolder)
    let kubeconfigPath = reader.optional(.kubeconfig) { $0 }
    let allowsPlugins = reader.required(.kubeconfigPlugins, ConfigurationValue.onOrOff)
    let logSettings = LogSettings(&reader)
    if let blockSize, let blocksInFlight, blocksInFlight > Self.mostBlocksInFlight(of: blockSize) {
      reader.complain(
        .blocksInFlight,
        InvalidValue(
          "\(blocksInFlight)",
          expected: "so many that (blocks in flight + 1) × block size is at most 32MiB"))
    }

    if let storageURL, storageURL.isReadableOnTheWay, allowsHTTP == false {
      reader.complain(
        .storageEndpoint,
        InvalidValue(
          "\(storageURL)",
          expected: "encrypted, and off this machine the database would travel readable for all on "
            + "the way: use https, or set APP_ABS_ALLOW_HTTP=on where that is meant"))
    }

    guard reader.mistakes.isEmpty, let container, let accountPlace,
      let authentication, let identity, let blobPrefix, let allowsHTTP, let timeout, let blockSize,
      let checksPages, let storageVersion, let allowsPlugins
    else { return nil }

    self.usesKubernetes = usesKubernetes
    self.namespace = usesKubernetes ? namespace ?? "" : ""
    self.kubeconfigPath = kubeconfigPath
    self.allowsPlugins = allowsPlugins
    self.container = container
    self.accountPlace = accountPlace
    self.authentication = authentication
    self.identity = identity
    self.blobPrefix = blobPrefix
    self.storageURL = storageURL
    self.allowsHTTP = allowsHTTP
    self.storageVersion = storageVersion
    self.storageCA = storageCA
    self.blockSize = blockSize
    self.blocksInFlight = blocksInFlight ?? min(6, Self.mostBlocksInFlight(of: blockSize))
    self.checksPages = checksPages
    self.recordConfigMapName = recordConfigMapName
    retention =
      if let keepNewest, let expiration, let historyExpiration {
        RetentionPolicy(
          minimumCount: keepNewest, maximumAge: expiration, historyExpiration: historyExpiration,
          periods: KeptPeriods(
            days: keepDaily ?? 0, weeks: keepWeekly ?? 0, months: keepMonthly ?? 0))
      } else {
        nil
      }
    self.identityPlace = identityPlace
    self.timeout = timeout
    self.logSettings = logSettings
    warnings = reader.unknownVariables + ConfigurationWarning.plainHTTP(to: storageURL)
  }

  /// One more is held while it fills, and what 32 MiB for all of them leave of 64 MiB is enough for
  /// everything else.
  private static func mostBlocksInFlight(of blockSize: Int) -> Int {
    (32 << 20) / blockSize - 1
  }
}
