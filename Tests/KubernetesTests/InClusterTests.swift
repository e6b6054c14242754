// The way to the API server from inside a pod.

import Certificates
import HTTP
import Kubernetes
import TestSupport
import Testing

@Suite struct `In-cluster configuration` {
  let folder: TemporaryFolder
  let environment = ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"]

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("token-1\n", to: "token")
    try folder.write(somePEM, to: "ca.crt")
  }

  func load(_ environment: [String: String]) throws(KubernetesError) -> APIServer {
    try .inCluster(environment: environment, serviceAccountFolder: folder.path)
  }

  @Test func `takes the address from the environment and the CA from the service account`() throws {
    let server = try load(environment)
    #expect(server.url == "https://10.96.0.1:443")
    #expect(try server.connection.trust == authorities(somePEM))
    #expect(server.connection.proxy == .none)
    #expect(server.connection.address == nil)
    #expect(server.warnings.isEmpty)
  }

  @Test(arguments: ["fd00::1", "[fd00::1]"])
  func `puts an IPv6 address in brackets`(host: String) throws {
    let server = try load([
      "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "6443",
    ])
    #expect(server.url == "https://[fd00::1]:6443")
  }

  @Test(arguments: ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"], ["", nil])
  func `outside a pod says which variable is missing`(variable: String, value: String?) {
    var environment = environment
    environment[variable] = value
    #expect(throws: KubernetesError.notInCluster(missing: variable)) { try load(environment) }
  }

  @Test(arguments: ["https", "0", "65536", "443/"])
  func `refuses a port that is none`(port: String) {
    #expect(throws: KubernetesError.unusableServiceAddress(host: "10.96.0.1", port: port)) {
      try load(["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": port])
    }
  }

  @Test func `without a CA file is an error`() throws {
    let empty = try TemporaryFolder()
    try empty.write("token-1", to: "token")
    #expect(
      throws: KubernetesError.unusableFile(
        path: "\(empty.path)/ca.crt", role: .certificateAuthority, reason: "there is no such file")
    ) { try APIServer.inCluster(environment: environment, serviceAccountFolder: empty.path) }
  }

  @Test func `with an empty CA file is an error`() throws {
    try folder.write("", to: "ca.crt")
    #expect(
      throws: KubernetesError.unusableFile(
        path: "\(folder.path)/ca.crt", role: .certificateAuthority, reason: "it is empty")
    ) { try load(environment) }
  }

  @Test(arguments: ["", " \n", "two words", "caf\u{e9}", "a\r\nX-Injected: b"])
  func `with a token that cannot be sent is an error`(token: String) throws {
    try folder.write(token, to: "token")
    #expect(
      throws: KubernetesError.unusableFile(
        path: "\(folder.path)/token", role: .token,
        reason: "it is empty, or holds something else than one token")
    ) { try load(environment) }
  }
}
