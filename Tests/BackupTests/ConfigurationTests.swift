// The environment, read once: every variable right, wrong and missing.

import Azure
import Backup
import Certificates
import Etcd
import TestSupport
import HTTP
import Testing

/// All that is required and nothing else, changed by `changes`; a `nil` takes a variable out.
private func environment(_ changes: [String: String?] = [:]) -> [String: String] {
  var environment = [
    "APP_WORKING_NAMESPACE": "kyma-system",
    "APP_BACKUP_ETCD_ENDPOINTS": "https://etcd-0.etcd:2379",
    "APP_ABS_CONTAINER_NAME": "backups",
    "APP_ABS_SECRET_NAME": "etcd-backup-abs-credentials",
    "APP_BLOB_PREFIX": "service-catalog",
    "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING": "sc-recorded-etcd-backup-data",
    "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "3",
    "APP_CLEANER_EXPIRATION_BLOB_TIME": "72h",
  ]
  for (name, value) in changes { environment[name] = value }
  return environment
}

private struct NoSuchFile: Error, CustomStringConvertible {
  let description = "No such file or directory"
}

private let certificate = Array(TestCertificate.ec.certificate.utf8)

private func configuration(_ changes: [String: String?] = [:]) throws(ConfigurationError)
  -> Configuration
{
  try Configuration(environment: environment(changes)) { path in
    switch path {
    case "/ca.pem": certificate
    case "/key.pem": Array(TestCertificate.ec.key.utf8)
    default: throw NoSuchFile()
    }
  }
}

private func mistakes(_ changes: [String: String?]) -> [String] {
  do throws(ConfigurationError) {
    _ = try configuration(changes)
    return []
  } catch {
    return error.mistakes.map(\.description)
  }
}

@Suite struct `A configuration` {
  @Test func `needs nothing but the required variables`() throws {
    let configuration = try configuration()
    #expect(configuration.namespace == "kyma-system")
    #expect(configuration.endpoints.map(\.description) == ["https://etcd-0.etcd:2379"])
    #expect(configuration.container.description == "backups")
    #expect(configuration.accountPlace == .secret("etcd-backup-abs-credentials"))
    #expect(configuration.usesKubernetes)
    #expect(configuration.blobPrefix == "service-catalog")
    #expect(configuration.recordConfigMapName == "sc-recorded-etcd-backup-data")
    #expect(
      configuration.retention == RetentionPolicy(minimumCount: 3, maximumAge: .seconds(72 * 3600)))
  }

  @Test func `has the defaults that are documented`() throws {
    let configuration = try configuration()
    #expect(configuration.tlsPlace == nil)
    #expect(configuration.credentialsPlace == nil)
    #expect(configuration.storageURL == nil)
    #expect(configuration.storageCA == nil)
    #expect(configuration.kubeconfigPath == nil)
    #expect(configuration.logSettings.logFormat == nil)
    // And those that have a value have exactly the one that `Variable.all` shows.
    #expect(documentedDefault("APP_BACKUP_ETCD_TRANSPORT") == "gateway")
    #expect(configuration.etcdTransport == .gateway)
    #expect(documentedDefault("APP_BACKUP_TIMEOUT") == "30m")
    #expect(configuration.timeout == .seconds(1800))
    #expect(documentedDefault("APP_BACKUP_BLOCK_SIZE") == "4160KiB")
    #expect(configuration.blockSize == 4160 << 10)
    #expect(configuration.blocksInFlight == 6)
    #expect(documentedDefault("APP_BACKUP_PAGE_CHECK") == "on")
    #expect(configuration.checksPages)
    #expect(configuration.spoolFolder == nil)
    #expect(configuration.spoolLimit == nil)
    #expect(documentedDefault("APP_LOGGER_LEVEL") == "info")
    #expect(configuration.logSettings.logLevel == .info)
    #expect(documentedDefault("APP_TERMINATION_MESSAGE_PATH") == "/dev/termination-log")
    #expect(configuration.logSettings.terminationMessagePath == "/dev/termination-log")
  }

  private func documentedDefault(_ name: String) -> String? {
    guard case .value(let text) = Variable.all.first(where: { $0.name == name })?.defaultValue
    else { return nil }
    return text
  }

  @Test(arguments: [
    ("1MiB", 6), ("4681KiB", 6), ("4682KiB", 5), ("8MiB", 3), ("16MiB", 1),
  ])
  func `unless told, has as many blocks in flight as the memory allows`(size: String, count: Int)
    throws
  {
    let configuration = try configuration(["APP_BACKUP_BLOCK_SIZE": size])
    #expect(configuration.blocksInFlight == count)
  }

  @Test func `takes every variable`() throws {
    let configuration = try configuration([
      "APP_BACKUP_ETCD_ENDPOINTS": "https://a:1, http://b ,https://[::1]:3,,https://a:1",
      "APP_BACKUP_CLIENT_TLS_SECRET": "etcd-client-tls",
      "APP_BACKUP_ETCD_CREDENTIALS_SECRET": "etcd.user",
      "APP_BACKUP_ETCD_TRANSPORT": "GRPC",
      "APP_ABS_ENDPOINT": "http://127.0.0.1:10000/devstoreaccount1/",
      "APP_ABS_CA_FILE": "/ca.pem",
      "APP_BACKUP_TIMEOUT": "1h30m",
      "APP_BACKUP_BLOCK_SIZE": "1048576",
      "APP_BACKUP_BLOCKS_IN_FLIGHT": "31",
      "APP_BACKUP_PAGE_CHECK": "Off",
      "APP_BACKUP_SPOOL_DIRECTORY": "/spool",
      "APP_BACKUP_SPOOL_LIMIT": "2GiB",
      "APP_KUBECONFIG_PATH": "/home/me/.kube/config",
      "APP_LOGGER_LEVEL": "DEBUG",
      "APP_LOGGER_FORMAT": "Text",
      "APP_TERMINATION_MESSAGE_PATH": "/tmp/result",
      "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "0",
      "APP_CLEANER_EXPIRATION_BLOB_TIME": "0",
    ])
    #expect(
      configuration.endpoints.map(\.description) == [
        "https://a:1", "http://b:2379", "https://[::1]:3",
      ])
    #expect(configuration.tlsPlace == .secret("etcd-client-tls"))
    #expect(configuration.credentialsPlace == .secret("etcd.user"))
    #expect(configuration.etcdTransport == .grpc)
    #expect(configuration.storageURL?.description == "http://127.0.0.1:10000/devstoreaccount1")
    #expect(configuration.storageCA?.pem == certificate)
    #expect(configuration.timeout == .seconds(5400))
    #expect(configuration.blockSize == 1 << 20)
    #expect(configuration.blocksInFlight == 31)
    #expect(!configuration.checksPages)
    #expect(configuration.spoolFolder == "/spool")
    #expect(configuration.spoolLimit == 2 << 30)
    #expect(configuration.kubeconfigPath == "/home/me/.kube/config")
    #expect(configuration.logSettings.logLevel == .debug)
    #expect(configuration.logSettings.logFormat == .text)
    #expect(configuration.logSettings.terminationMessagePath == "/tmp/result")
    #expect(configuration.retention == RetentionPolicy(minimumCount: 0, maximumAge: .zero))
  }

  @Test(arguments: [
    ("APP_ABS_CONTAINER_NAME", "backups/"), ("APP_BLOB_PREFIX", "service-catalog/"),
    ("APP_BACKUP_ETCD_ENDPOINTS", "https://etcd-0.etcd:2379/"),
    ("APP_WORKING_NAMESPACE", " kyma-system\n"),
    ("APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS", "\t3 "),
  ])
  func `drops one slash at the end, and blanks around`(name: String, value: String) throws {
    let changed = try configuration([name: value])
    let plain = try configuration()
    #expect(changed.container == plain.container)
    #expect(changed.blobPrefix == plain.blobPrefix)
    #expect(changed.endpoints == plain.endpoints)
    #expect(changed.namespace == plain.namespace)
    #expect(changed.retention == plain.retention)
  }

  @Test func `may have a prefix of several parts`() throws {
    #expect(try configuration(["APP_BLOB_PREFIX": "a/b-2/c_3/"]).blobPrefix == "a/b-2/c_3")
  }

  @Test(arguments: [
    "trace", "debug", "info", "warn", "warning", "error", "fatal", "panic", "Info", "ERROR",
  ])
  func `takes the log levels that the predecessor took`(level: String) {
    #expect(mistakes(["APP_LOGGER_LEVEL": level]).isEmpty)
  }

  @Test(
    arguments: Variable.all.filter { $0.defaultValue != .required }.map(\.name),
    ["", "  "])
  func `takes an optional variable set to nothing as not set`(name: String, nothing: String) {
    #expect(mistakes([name: nothing]).isEmpty)
  }
}

@Suite struct `A wrong configuration` {
  static let required = Variable.all.filter { $0.defaultValue == .required }.map(\.name)

  @Test(arguments: required, [nil, "", " \n"])
  func `says which required variable is not set`(name: String, value: String?) {
    #expect(mistakes([name: value]) == ["\(name) is required, but not set"])
  }

  @Test(arguments: [
    ("APP_WORKING_NAMESPACE", "Kyma-System", "namespace"),
    ("APP_WORKING_NAMESPACE", "-kyma", "namespace"),
    ("APP_WORKING_NAMESPACE", "a.b", "namespace"),
    ("APP_WORKING_NAMESPACE", String(repeating: "n", count: 64), "namespace"),
    ("APP_ABS_SECRET_NAME", "My_Secret", "Kubernetes object"),
    ("APP_ABS_SECRET_NAME", "a..b", "Kubernetes object"),
    ("APP_BACKUP_CLIENT_TLS_SECRET", "../secret", "Kubernetes object"),
    ("APP_BACKUP_ETCD_CREDENTIALS_SECRET", "é", "Kubernetes object"),
    ("APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING", "record.", "Kubernetes object"),
    ("APP_ABS_CONTAINER_NAME", "Backups", "container"),
    ("APP_ABS_CONTAINER_NAME", "backups/x", "container"),
    ("APP_ABS_CONTAINER_NAME", "ab", "container"),
    ("APP_BLOB_PREFIX", "/", "first part of blob names"),
    ("APP_BLOB_PREFIX", "/a", "first part of blob names"),
    ("APP_BLOB_PREFIX", "a//b", "first part of blob names"),
    ("APP_BLOB_PREFIX", "a//", "first part of blob names"),
    ("APP_BLOB_PREFIX", "a/../b", "first part of blob names"),
    ("APP_BLOB_PREFIX", "svc.", "ends in a full stop"),
    ("APP_BLOB_PREFIX", "a./b", "ends in a full stop"),
    ("APP_BLOB_PREFIX", String(repeating: "p", count: 499), "1 to 498 characters"),
    ("APP_ABS_ENDPOINT", "account.blob.core.windows.net", "blob endpoint"),
    ("APP_ABS_ENDPOINT", "ftp://account.blob.core.windows.net", "blob endpoint"),
    ("APP_ABS_CA_FILE", "/nowhere.pem", "No such file"),
    ("APP_ABS_CA_FILE", "/key.pem", "certificates in PEM"),
    ("APP_BACKUP_ETCD_ENDPOINTS", "etcd-0:2379", "client URL of etcd"),
    ("APP_BACKUP_ETCD_ENDPOINTS", "https://a:2379,b:2379", "client URL of etcd"),
    ("APP_BACKUP_ETCD_ENDPOINTS", "https://a:2379 https://b:2379", "client URL of etcd"),
    ("APP_BACKUP_ETCD_ENDPOINTS", ",,", "list of client URLs"),
    ("APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS", "-1", "from 0 to 100000"),
    ("APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS", "three", "from 0 to 100000"),
    ("APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS", "3.0", "from 0 to 100000"),
    ("APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS", "100001", "from 0 to 100000"),
    ("APP_CLEANER_EXPIRATION_BLOB_TIME", "3d", "duration such as 72h"),
    ("APP_CLEANER_EXPIRATION_BLOB_TIME", "72", "duration such as 72h"),
    ("APP_CLEANER_EXPIRATION_BLOB_TIME", "-72h", "duration such as 72h"),
    ("APP_BACKUP_TIMEOUT", "0s", "duration above zero"),
    ("APP_BACKUP_TIMEOUT", "-30m", "duration above zero"),
    ("APP_BACKUP_TIMEOUT", "soon", "duration above zero"),
    ("APP_BACKUP_BLOCK_SIZE", "1048575", "from 1.0 MiB to 16.0 MiB"),
    ("APP_BACKUP_BLOCK_SIZE", "17MiB", "from 1.0 MiB to 16.0 MiB"),
    ("APP_BACKUP_BLOCK_SIZE", "8MB", "a size such as 8MiB"),
    ("APP_BACKUP_BLOCKS_IN_FLIGHT", "0", "from 1 to 31"),
    ("APP_BACKUP_BLOCKS_IN_FLIGHT", "32", "from 1 to 31"),
    ("APP_BACKUP_BLOCKS_IN_FLIGHT", "7", "at most 32MiB"),
    ("APP_BACKUP_ETCD_TRANSPORT", "http", "gateway, grpc or auto"),
    ("APP_BACKUP_PAGE_CHECK", "yes", "on or off"),
    ("APP_BACKUP_SPOOL_LIMIT", "1023KiB", "from 1.0 MiB to 1024.0 GiB"),
    ("APP_BACKUP_SPOOL_LIMIT", "2TB", "a size such as 8MiB"),
    ("APP_LOGGER_LEVEL", "loud", "trace, debug, info, warn or error"),
    ("APP_LOGGER_FORMAT", "xml", "json or text"),
  ])
  func `names the variable, the value and what is expected`(
    name: String, value: String, expected: String
  ) throws {
    let mistake = try #require(mistakes([name: value]).first)
    #expect(mistakes([name: value]).count == 1)
    #expect(mistake.hasPrefix("\(name): \""))
    #expect(mistake.contains(" is not "))
    #expect(mistake.contains(expected))
    let shown = value.split(separator: ",").last ?? ""
    #expect(mistake.contains(shown))
  }

  @Test func `is told of all at once, in the order in which the variables are documented`() throws {
    let wrong: [String: String] = [
      "APP_BACKUP_CLIENT_TLS_SECRET": "My_Secret", "APP_ABS_ENDPOINT": "nowhere",
      "APP_ABS_CA_FILE": "/nowhere.pem", "APP_BACKUP_TIMEOUT": "0",
      "APP_BACKUP_BLOCK_SIZE": "1", "APP_LOGGER_LEVEL": "loud", "APP_LOGGER_FORMAT": "xml",
    ]
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration(environment: wrong) { _ in throw NoSuchFile() }
    }
    let told = try #require(error).mistakes.map(\.variable)
    #expect(Set(told) == Set(wrong.keys).union(Self.required))
    #expect(told.count == Set(told).count)
    #expect(told == Variable.all.map(\.name).filter(told.contains))
  }

  @Test(arguments: [
    ("APP_BACKUP_ETCD_ENDPOINTS", "https://root:hunter2@etcd:2379"),
    ("APP_BACKUP_ETCD_ENDPOINTS", "https://good:2379,https://root:hunter2@etcd:2379"),
    ("APP_BACKUP_ETCD_ENDPOINTS", "https://root:hunter2,@etcd:2379"),
    ("APP_BACKUP_ETCD_ENDPOINTS", "https://root:,hunter2@etcd:2379"),
    ("APP_ABS_ENDPOINT", "https://user:hunter2@account.blob.core.windows.net"),
    ("APP_ABS_ENDPOINT", "https://account.blob.core.windows.net/?sv=2021&sig=hunter2"),
    ("APP_ABS_ENDPOINT", "account.blob.core.windows.net?sig=hunter2"),
  ])
  func `never shows a password or a signature`(name: String, value: String) {
    let told = mistakes([name: value])
    #expect(told.count == 1)
    #expect(!told.joined().contains("hunter2"))
  }
}

@Suite struct `The list of variables` {
  @Test func `names each once, with a summary that is a sentence`() {
    let names = Variable.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.hasPrefix("APP_") || $0.hasPrefix("AZURE_") })
    #expect(Variable.all.allSatisfy { $0.summary.hasSuffix(".") })
  }

  @Test func `requires what the predecessor required, and nothing else`() {
    #expect(
      Set(`A wrong configuration`.required) == [
        "APP_WORKING_NAMESPACE", "APP_ABS_CONTAINER_NAME", "APP_ABS_SECRET_NAME",
        "APP_BLOB_PREFIX", "APP_BACKUP_ETCD_ENDPOINTS", "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING",
        "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS", "APP_CLEANER_EXPIRATION_BLOB_TIME",
      ])
  }
}
