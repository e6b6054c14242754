// Where Secrets come from, and whether Kubernetes is used at all.

@testable import Backup
import Testing

private let alone = [
  "APP_BACKUP_ETCD_ENDPOINTS": "https://etcd:2379", "APP_ABS_CONTAINER_NAME": "backups",
  "APP_BLOB_PREFIX": "prod", "APP_ABS_SECRET_DIRECTORY": "/etc/store/",
  "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "3", "APP_CLEANER_EXPIRATION_BLOB_TIME": "72h",
]

private func configuration(_ changes: [String: String?]) throws(ConfigurationError)
  -> Configuration
{
  var environment = alone
  for (name, value) in changes { environment[name] = value }
  return try Configuration(environment: environment) { _ in [] }
}

private func mistakes(_ changes: [String: String?]) -> [String] {
  do throws(ConfigurationError) {
    _ = try configuration(changes)
    return []
  } catch {
    return error.mistakes.map(\.variable)
  }
}

private let namespace = "APP_WORKING_NAMESPACE"
private let record = "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING"
private let pod: [String: String?] = ["KUBERNETES_SERVICE_HOST": "10.0.0.1"]

@Suite struct `A configuration without Kubernetes` {
  @Test func `needs no namespace and no record`() throws {
    let configuration = try configuration([:])
    #expect(!configuration.usesKubernetes)
    #expect(configuration.namespace.isEmpty)
    #expect(configuration.recordConfigMapName == nil)
    #expect(configuration.accountPlace == .folder("/etc/store"))
  }

  @Test func `has no use for a namespace`() throws {
    #expect(try !configuration([namespace: "ns"]).usesKubernetes)
  }

  @Test func `must be meant in a pod`() throws {
    #expect(mistakes(pod) == ["APP_KUBERNETES"])
    #expect(try !configuration(pod.merging(["APP_KUBERNETES": "off"]) { $1 }).usesKubernetes)
    #expect(mistakes(["KUBERNETES_SERVICE_HOST": ""]).isEmpty)
  }

  @Test(arguments: [
    "APP_ABS_SECRET_NAME", "APP_BACKUP_CLIENT_TLS_SECRET", "APP_BACKUP_ETCD_CREDENTIALS_SECRET",
    record,
  ])
  func `ends with the first name of a Secret or a ConfigMap`(name: String) {
    var changes: [String: String?] = [name: "some-name"]
    if name == "APP_ABS_SECRET_NAME" {
      _ = changes.updateValue(nil, forKey: "APP_ABS_SECRET_DIRECTORY")
    }
    #expect(Set(mistakes(changes)) == Set([namespace, record]).subtracting([name]))
    changes["APP_KUBERNETES"] = "off"
    #expect(mistakes(changes) == [name])
    changes.removeValue(forKey: "APP_KUBERNETES")
    changes[namespace] = "ns"
    changes[record] = "record"
    #expect(mistakes(changes.merging(pod) { $1 }).isEmpty)
  }

  @Test func `has no use for a kubeconfig`() {
    #expect(mistakes(["APP_KUBECONFIG_PATH": "/kubeconfig"]) == ["APP_KUBECONFIG_PATH"])
    #expect(
      mistakes(["APP_KUBECONFIG_PATH": "/kubeconfig", "APP_KUBERNETES": "off"])
        == ["APP_KUBECONFIG_PATH"])
  }
}

@Suite struct `The place of a Secret` {
  private static let none: [String: String?] = ["APP_ABS_SECRET_DIRECTORY": nil]

  @Test func `is that of the variables of Microsoft's tools where no other is named`() throws {
    let configuration = try configuration(
      Self.none.merging(["AZURE_STORAGE_ACCOUNT": "acct", "AZURE_STORAGE_KEY": "c2VjcmV0"]) { $1 })
    guard case .variables(let variables) = configuration.accountPlace else {
      return #expect(Bool(false), "another place")
    }
    #expect(variables.text("storage-account") == "acct")
    #expect(variables.text("storage-key") == "c2VjcmV0")
    #expect(variables.text("sas-token") == nil)
  }

  @Test func `shows no value`() throws {
    let place = try configuration(
      Self.none.merging(["AZURE_STORAGE_ACCOUNT": "acct", "AZURE_STORAGE_KEY": "c2VjcmV0"]) { $1 }
    ).accountPlace
    var text = "\(place) \(String(reflecting: place))"
    dump(place, to: &text)
    #expect(!text.contains("c2VjcmV0"))
  }

  @Test func `must be named where nothing is set`() {
    #expect(mistakes(Self.none) == ["APP_ABS_SECRET_NAME"])
  }

  @Test func `is one, never two`() {
    #expect(mistakes(["APP_BACKUP_CLIENT_TLS_DIRECTORY": "/tls"]).isEmpty)
    #expect(
      mistakes([
        "APP_BACKUP_CLIENT_TLS_DIRECTORY": "/tls", "APP_BACKUP_CLIENT_TLS_SECRET": "tls",
        namespace: "ns", record: "record",
      ]) == ["APP_BACKUP_CLIENT_TLS_DIRECTORY"])
  }
}

@Suite struct `The names of certificates` {
  @Test(arguments: TLSNames.known)
  func `are the set that is whole`(names: TLSNames) {
    let rest = TLSNames.known.filter { $0 != names }.map(\.certificate)
    #expect(TLSNames(among: [names.certificate, names.key, names.authority] + rest) == names)
  }

  @Test(arguments: TLSNames.known)
  func `are the set that has been begun where none is whole`(names: TLSNames) {
    #expect(TLSNames(among: [names.key, "other"]) == names)
    #expect(TLSNames(among: [names.certificate]) == names)
  }

  @Test func `are ours where nothing is known`() {
    #expect(TLSNames(among: ["ca.crt"]) == .ours)
    #expect(TLSNames(among: []) == .ours)
  }
}
