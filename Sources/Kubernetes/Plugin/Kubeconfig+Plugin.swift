// The exec plugin of a kubeconfig's user, as kubectl reads it.

internal import Certificates
internal import Console
internal import FoundationEssentials

extension ExecPlugin {
  private static let versions = [
    "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1",
  ]
  /// The name under which a cluster keeps what is meant for its plugin.
  private static let extensionName = "client.authentication.k8s.io/exec"

  /// `environment` is ours: the plugin gets it.
  init(
    of user: KubeconfigDocument.Section, for cluster: KubeconfigDocument.Section,
    environment: [String: String]
  ) throws(KubeconfigFault) {
    guard let exec = try user.section("exec") else {
      throw user.malformed("exec", expected: "a mapping")
    }
    entry = user.entry
    guard let command = try exec.text("command") else {
      throw .missingField(entry, field: "exec.command")
    }
    // Without a slash it is a name, to be looked for in PATH.
    self.command = command.contains("/") ? try exec.path("command") ?? command : command
    guard let version = try exec.text("apiVersion") else {
      throw .missingField(entry, field: "exec.apiVersion")
    }
    guard Self.versions.contains(version) else {
      throw exec.malformed("apiVersion", expected: Self.versions.joined(separator: " or "))
    }
    self.version = version
    searchPath = environment["PATH"] ?? ""
    installHint = try exec.text("installHint").map { String($0.prefix(500)) }
    arguments = try exec.texts("args")
    try Self.checkInteraction(exec, version)

    var spec: [String: JSONValue] = ["interactive": .bool(false)]
    if try exec.flag("provideClusterInfo") { spec["cluster"] = try Self.information(of: cluster) }
    let request = JSONValue.object([
      "kind": .string("ExecCredential"), "apiVersion": .string(version), "spec": .object(spec),
    ])
    var variables = environment
    for variable in try exec.sections("env") {
      guard let name = try variable.text("name") else {
        throw .missingField(entry, field: "exec.env.name")
      }
      let value = try variable.text("value") ?? ""
      if Self.isSecret(name) { Secrets.register(value) }
      variables[name] = value
    }
    variables["KUBERNETES_EXEC_INFO"] = String(decoding: JSON.encode(request), as: UTF8.self)
    self.environment = variables
  }

  /// Nobody is there to be asked; a plugin that may ask is told so.
  private static func checkInteraction(
    _ exec: KubeconfigDocument.Section, _ version: String
  ) throws(KubeconfigFault) {
    switch try exec.text("interactiveMode") {
    case "Never", "IfAvailable": break
    case nil where version.hasSuffix("/v1beta1"): break
    case nil: throw .missingField(exec.entry, field: "exec.interactiveMode")
    case "Always": throw .interactivePlugin(exec.entry)
    default: throw exec.malformed("interactiveMode", expected: "Never, IfAvailable or Always")
    }
  }

  /// What `provideClusterInfo` asks for.
  private static func information(
    of cluster: KubeconfigDocument.Section
  ) throws(KubeconfigFault) -> JSONValue {
    var members: [String: JSONValue] = [:]
    for field in ["server", "tls-server-name", "proxy-url"] {
      if let text = try cluster.text(field) { members[field] = .string(text) }
    }
    for field in ["insecure-skip-tls-verify", "disable-compression"]
    where try cluster.flag(field) {
      members[field] = .bool(true)
    }
    if let authority = try cluster.pem("certificate-authority") {
      members["certificate-authority-data"] = .string(
        Data(authority.bytes).base64EncodedString())
    }
    for item in try cluster.sections("extensions")
    where try item.text("name") == extensionName {
      members["config"] = try item.json("extension")
    }
    return .object(members)
  }

  private static func isSecret(_ variable: String) -> Bool {
    ["SECRET", "PASSWORD", "TOKEN", "KEY"].contains { variable.uppercased().contains($0) }
  }
}
