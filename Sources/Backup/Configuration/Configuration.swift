// What a run is to do: the environment, parsed once into values that cannot be wrong.

internal import Azure
package import Etcd

/// Whatever is said of the store, is said of the run: `configuration.container` is its store's.
@dynamicMemberLookup
package struct Configuration: Sendable {
  package let store: StoreConfiguration

  package let endpoints: [Endpoint]
  /// `nil`: no client certificate, and the system's authorities.
  package let tlsPlace: SecretPlace?
  /// `nil`: no user.
  package let credentialsPlace: SecretPlace?
  package let etcdTransport: EtcdTransport

  package let retention: RetentionPolicy
  package let spoolFolder: String?
  /// Bytes.
  package let spoolLimit: Int?
  package let encoding: EncodingSettings
  package let commit: CommitSettings
  /// Whether a run takes no backup where nothing was written since the recorded one.
  package let skipsUnchanged: Bool
  /// Of an upload; a download has those of the store.
  package let uploadsInFlight: Int
  /// What can be done, but is probably not meant.
  package let warnings: [ConfigurationWarning]

  /// Reads everything before it complains, so that all mistakes are reported at once.
  ///
  /// `readFile` gives the bytes of a file, or throws.
  package init(
    environment: [String: String], readFile: @escaping (String) throws -> [UInt8]
  ) throws(ConfigurationError) {
    var reader = EnvironmentReader(environment, readFile: readFile)
    let endpoints = reader.required(.endpoints, ConfigurationValue.endpoints)
    let tlsPlace = reader.place(.tlsSecret, .tlsFolder)
    let credentialsPlace = reader.place(.credentialsSecret, .credentialsFolder)
    let etcdTransport = reader.required(.etcdTransport, ConfigurationValue.etcdTransport)
    let spoolFolder = reader.optional(.spoolFolder) { $0 }
    let spoolLimit = reader.optional(
      .spoolLimit, ConfigurationValue.byteCount(in: 1 << 20...1 << 40))
    if let spoolLimit, spoolFolder == nil {
      reader.complain(
        .spoolLimit,
        InvalidValue(
          ByteCount.describe(UInt64(spoolLimit)),
          expected: "of any use without APP_BACKUP_SPOOL_DIRECTORY"))
    }
    let encoding = EncodingSettings(&reader)
    let store = StoreConfiguration(&reader)
    let commit = CommitSettings(&reader, store)
    let skipsUnchanged = reader.required(.skipUnchanged, ConfigurationValue.onOrOff)
    if skipsUnchanged == true, store != nil, store?.recordConfigMapName == nil {
      reader.complain(
        .skipUnchanged,
        InvalidValue(
          "on",
          expected: "of any use without APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING: it compares "
            + "etcd with the record"))
    }
    if KubernetesUse.isUsed(reader) { reader.complainIfMissing(.recordConfigMap) }
    for variable in [Variable.keepNewest, .expiration] { reader.complainIfMissing(variable) }

    guard reader.mistakes.isEmpty, let store, let endpoints, let etcdTransport, let encoding,
      let commit, let skipsUnchanged,
      let retention = store.retention
    else { throw ConfigurationError(mistakes: reader.mistakes) }

    self.store = store
    self.endpoints = endpoints
    self.tlsPlace = tlsPlace
    self.credentialsPlace = credentialsPlace
    self.etcdTransport = etcdTransport
    self.retention = retention
    self.spoolFolder = spoolFolder
    self.spoolLimit = spoolLimit
    self.encoding = encoding
    self.commit = commit
    self.skipsUnchanged = skipsUnchanged
    uploadsInFlight = encoding.blocksInFlight(store.blocksInFlight, of: store.blockSize)
    // A default is not meant to be kept to.
    let isSet = reader.isSet(.blocksInFlight)
    warnings =
      store.warnings
      + ConfigurationWarning.fewerBlocks(
        than: isSet ? store.blocksInFlight : 0, inFlight: uploadsInFlight, of: store.blockSize)
      + ConfigurationWarning.identities(store.identityPlace)
      + ConfigurationWarning.readablePassword(to: endpoints, with: credentialsPlace)
  }

  package subscript<Value>(dynamicMember path: KeyPath<StoreConfiguration, Value>) -> Value {
    store[keyPath: path]
  }
}
