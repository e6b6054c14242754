/// What a run is to do: the environment, parsed once into values that cannot be wrong.

package import AzureBlob
package import Etcd
internal import HTTP

package struct Configuration: Sendable {
  package let namespace: String
  package let kubeconfigPath: String?

  package let endpoints: [Endpoint]
  package let tlsSecretName: String?
  package let credentialsSecretName: String?
  package let etcdTransport: EtcdTransport

  package let container: ContainerName
  package let accountSecretName: String
  /// Without a slash at its end.
  package let blobPrefix: String
  package let storageURL: ServiceURL?
  /// PEM.
  package let storageCA: [UInt8]?
  /// Bytes.
  package let blockSize: Int
  package let blocksInFlight: Int

  package let recordConfigMapName: String
  package let retention: RetentionPolicy
  package let timeout: Duration
  package let logLevel: LogLevel
  /// `nil` leaves the choice to whether the log goes to a terminal.
  package let logFormat: LogFormat?
  package let terminationMessagePath: String

  /// Reads everything before it complains, so that all mistakes are reported at once.
  ///
  /// `readFile` gives the bytes of a file, or throws.
  package init(
    environment: [String: String], readFile: (String) throws -> [UInt8]
  ) throws(ConfigurationError) {
    var reader = EnvironmentReader(environment)
    let namespace = reader.required(.namespace, ConfigurationValue.namespace)
    let endpoints = reader.required(.endpoints, ConfigurationValue.endpoints)
    let tlsSecretName = reader.optional(.tlsSecret, ConfigurationValue.objectName)
    let credentialsSecretName = reader.optional(.credentialsSecret, ConfigurationValue.objectName)
    let etcdTransport = reader.required(.etcdTransport, ConfigurationValue.etcdTransport)
    let container = reader.required(.container) { text throws(InvalidValue) in
      try ContainerName(ConfigurationValue.droppingSlash(text))
    }
    let accountSecretName = reader.required(.accountSecret, ConfigurationValue.objectName)
    let blobPrefix = reader.required(.blobPrefix, ConfigurationValue.blobPrefix)
    let storageURL = reader.optional(.storageEndpoint) { text throws(InvalidValue) in
      try ServiceURL(text)
    }
    let storageCA = reader.optional(.storageCA) { path throws(InvalidValue) in
      try ConfigurationValue.certificates(at: path, readFile)
    }
    let recordConfigMapName = reader.required(.recordConfigMap, ConfigurationValue.objectName)
    let keepNewest = reader.required(.keepNewest, ConfigurationValue.number(in: 0...100_000))
    let expiration = reader.required(.expiration, ConfigurationValue.duration)
    let timeout = reader.required(.timeout, ConfigurationValue.positiveDuration)
    let blockSize = reader.required(
      .blockSize, ConfigurationValue.byteCount(in: 1 << 20...16 << 20))
    let blocksInFlight = reader.required(.blocksInFlight, ConfigurationValue.number(in: 1...31))
    let kubeconfigPath = reader.optional(.kubeconfig) { $0 }
    let logLevel = reader.required(.logLevel, ConfigurationValue.logLevel)
    let logFormat = reader.optional(.logFormat, ConfigurationValue.logFormat)
    let terminationMessagePath = reader.required(.terminationMessage) { $0 }
    if let blockSize, let blocksInFlight, blockSize * (blocksInFlight + 1) > Self.mostBlockMemory {
      reader.complain(
        .blocksInFlight,
        InvalidValue(
          "\(blocksInFlight)",
          expected: "so many that (blocks in flight + 1) × block size is at most 32MiB"))
    }

    guard reader.mistakes.isEmpty, let namespace, let endpoints, let etcdTransport, let container,
      let accountSecretName, let blobPrefix, let recordConfigMapName, let keepNewest,
      let expiration, let timeout, let blockSize, let blocksInFlight, let logLevel,
      let terminationMessagePath
    else { throw ConfigurationError(mistakes: reader.mistakes) }

    self.namespace = namespace
    self.kubeconfigPath = kubeconfigPath
    self.endpoints = endpoints
    self.tlsSecretName = tlsSecretName
    self.credentialsSecretName = credentialsSecretName
    self.etcdTransport = etcdTransport
    self.container = container
    self.accountSecretName = accountSecretName
    self.blobPrefix = blobPrefix
    self.storageURL = storageURL
    self.storageCA = storageCA
    self.blockSize = blockSize
    self.blocksInFlight = blocksInFlight
    self.recordConfigMapName = recordConfigMapName
    retention = RetentionPolicy(minimumCount: keepNewest, maximumAge: expiration)
    self.timeout = timeout
    self.logLevel = logLevel
    self.logFormat = logFormat
    self.terminationMessagePath = terminationMessagePath
  }

  /// Bytes: what remains of 64 MiB is enough for everything else.
  private static let mostBlockMemory = 32 << 20
}

/// Everything that is wrong with the environment.
package struct ConfigurationError: Error, Equatable {
  package struct Mistake: Equatable, Sendable {
    package let variable: String
    /// `nil` where it is not set.
    package let problem: InvalidValue?
  }

  package let mistakes: [Mistake]
}

extension ConfigurationError: CustomStringConvertible {
  package var description: String { mistakes.map(\.description).joined(separator: "; ") }
}

extension ConfigurationError.Mistake: CustomStringConvertible {
  package var description: String {
    problem.map { "\(variable): \($0)" } ?? "\(variable) is required, but not set"
  }
}

/// Takes variables out of the environment one by one and collects what is wrong with them.
private struct EnvironmentReader {
  private let environment: [String: String]
  private(set) var mistakes: [ConfigurationError.Mistake] = []

  init(_ environment: [String: String]) {
    self.environment = environment
  }

  /// A variable that must be set, or has a default; `nil` only after a complaint.
  mutating func required<Value>(
    _ variable: Variable, _ parse: (String) throws(InvalidValue) -> Value
  ) -> Value? {
    if let value = optional(variable, parse) { return value }
    if text(of: variable) == nil {
      mistakes.append(ConfigurationError.Mistake(variable: variable.name, problem: nil))
    }
    return nil
  }

  /// `nil` where it is not set, or after a complaint.
  mutating func optional<Value>(
    _ variable: Variable, _ parse: (String) throws(InvalidValue) -> Value
  ) -> Value? {
    guard let text = text(of: variable) else { return nil }
    do throws(InvalidValue) {
      return try parse(text)
    } catch {
      complain(variable, error)
      return nil
    }
  }

  mutating func complain(_ variable: Variable, _ problem: InvalidValue) {
    mistakes.append(ConfigurationError.Mistake(variable: variable.name, problem: problem))
  }

  /// Set to nothing counts as not set: that is how templates leave a value out.
  private func text(of variable: Variable) -> String? {
    let set = environment[variable.name].map { String($0[...].trimmingBlanks()) }
    if let set, !set.isEmpty { return set }
    guard case .value(let text) = variable.defaultValue else { return nil }
    return text
  }
}
