// The way to the API server as a kubeconfig describes it.

import Certificates
import FoundationEssentials
import HTTP
import Kubernetes
import TestSupport
import Testing

@Suite struct `A kubeconfig` {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  func load(_ text: KubeconfigText) throws -> APIServer {
    try .kubeconfig(at: folder.write(text.yaml, to: "config"))
  }

  // MARK: What works

  @Test func `leads to the server of its current context`() throws {
    let server = try load(KubeconfigText(context: ["namespace: kyma-system"]))
    #expect(server.url == "https://api.example:6443")
    #expect(server.connection.trust == .system)
    #expect(server.connection.identity == nil)
    #expect(server.connection.proxy == .none)
    #expect(server.warnings.isEmpty)
  }

  @Test func `may be JSON`() throws {
    let path = try folder.write(
      """
      {"apiVersion": "v1", "kind": "Config", "current-context": "prod",
       "contexts": [{"name": "prod", "context": {"cluster": "c1", "user": "admin"}}],
       "clusters": [{"name": "c1", "cluster": {"server": "https:\\/\\/api.example:6443",
         "certificate-authority-data": "\(base64(somePEM))"}}],
       "users": [{"name": "admin", "user": {"token": "abc"}}]}
      """, to: "config.json")
    let server = try APIServer.kubeconfig(at: path)
    #expect(server.url == "https://api.example:6443")
    #expect(try server.connection.trust == authorities(somePEM))
  }

  @Test func `may use all that YAML has to offer`() throws {
    let path = try folder.write(
      """
      %YAML 1.1
      ---
      # one mapping for two places
      x-shared: &shared
        cluster: "c1"
        "user": 'admin'
        namespace: >-
          ns
      "current-context": prod
      contexts: [{name: prod, context: *shared}]
      clusters:
        - cluster: {server: "https://api.exampl\\x65:6443", certificate-authority-data: !!str
            \(base64(somePEM))}
          name: c1
      users: [{name: admin}]
      ...
      """, to: "config")
    let server = try APIServer.kubeconfig(at: path)
    #expect(server.url == "https://api.example:6443")
    #expect(try server.connection.trust == authorities(somePEM))
  }

  @Test(.timeLimit(.minutes(1)))
  func `that would expand to billions of nodes costs no more than its text`() throws {
    var bomb = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
    for level in 1...12 {
      let alias = "*x\(level - 1)"
      bomb +=
        "x\(level): &x\(level) [\(Array(repeating: alias, count: 10).joined(separator: ","))]\n"
    }
    let path = try folder.write(bomb + KubeconfigText().yaml, to: "config")
    #expect(try APIServer.kubeconfig(at: path).url == "https://api.example:6443")
  }

  @Test(arguments: [
    ("https://api.example", "https://api.example:443"),
    ("https://api.example/", "https://api.example:443"),
    ("HTTPS://[fd00::1]:6443", "https://[fd00::1]:6443"),
    ("https://rancher.example/k8s/clusters/c-1/", "https://rancher.example:443/k8s/clusters/c-1"),
    ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
    ("http://localhost:8001", "http://localhost:8001"),
    ("'http://[::1]:8001'", "http://[::1]:8001"),
  ])
  func `accepts a server's URL`(server: String, url: String) throws {
    #expect(try load(KubeconfigText(server: server)).url == url)
  }

  @Test func `names CA, certificate and key as files relative to its own folder`() throws {
    try folder.write(somePEM, to: "pki/ca.crt")
    let absolute = try folder.write(otherPEM, to: "elsewhere/tls.crt")
    try folder.write(TestCertificate.other.key, to: "pki/tls.key")
    let server = try load(
      KubeconfigText(
        cluster: ["certificate-authority: pki/ca.crt"],
        user: ["client-certificate: \(absolute)", "client-key: ./pki/tls.key"]))
    #expect(try server.connection.trust == authorities(somePEM))
    #expect(server.connection.identity?.certificatePEM == Array(otherPEM.utf8))
    #expect(server.connection.identity?.keyPEM == Array(TestCertificate.other.key.utf8))
  }

  @Test func `may fold inline data over lines`() throws {
    let folded = base64(somePEM).split(every: 20).joined(separator: "\n      ")
    let server = try load(
      KubeconfigText(cluster: ["certificate-authority-data: |", "  \(folded)"]))
    #expect(try server.connection.trust == authorities(somePEM))
  }

  @Test func `may name the server that the certificate is for`() throws {
    let server = try load(
      KubeconfigText(server: "https://10.0.0.1:6443/x", cluster: ["tls-server-name: kubernetes"]))
    #expect(server.url == "https://kubernetes:6443/x")
    #expect(server.connection.address == "10.0.0.1:6443")
  }

  @Test func `that turns verification off is obeyed and warned about`() throws {
    let server = try load(KubeconfigText(cluster: ["insecure-skip-tls-verify: true"]))
    #expect(server.connection.trust == .anyone)
    let warning = try #require(server.warnings.first)
    #expect(warning.contains(#"cluster "c1" of the kubeconfig \#(folder.path)/config"#))
  }

  @Test(arguments: [
    ("http://proxy:3128", "http://proxy:3128"), ("https://proxy:3128", "https://proxy:3128"),
    ("socks5://proxy:1080", "socks5h://proxy:1080"),
  ])
  func `may name a proxy`(url: String, expected: String) throws {
    let server = try load(KubeconfigText(cluster: ["proxy-url: \(url)"]))
    #expect(server.connection.proxy == .url(expected))
  }

  @Test(arguments: ["", "~", "null", "\"\""])
  func `has fields that are as good as absent`(nothing: String) throws {
    let server = try load(
      KubeconfigText(
        cluster: [
          "certificate-authority: \(nothing)", "tls-server-name: \(nothing)",
          "insecure-skip-tls-verify: \(nothing)", "proxy-url: \(nothing)",
        ], user: ["exec: \(nothing)", "client-certificate-data: \(nothing)", "token: \(nothing)"]))
    #expect(server.connection.trust == .system)
    #expect(server.connection.address == nil)
    #expect(server.connection.identity == nil)
  }

  @Test(arguments: ["true", "True", "yes", "on", "Y"])
  func `Y1 has booleans as kubectl reads them`(yes: String) throws {
    let server = try load(KubeconfigText(cluster: ["insecure-skip-tls-verify: \(yes)"]))
    #expect(server.connection.trust == .anyone)
  }

  @Test(arguments: ["False", "no", "off"])
  func `Y1 has booleans that say no`(no: String) throws {
    let server = try load(KubeconfigText(cluster: ["insecure-skip-tls-verify: \(no)"]))
    #expect(server.connection.trust == .system)
  }

  @Test func `Y1 may list no groups to act as`() throws {
    _ = try load(KubeconfigText(user: ["token: abc", "as-groups: []", "as-user-extra: {}"]))
  }
}

extension String {
  fileprivate func split(every count: Int) -> [Substring] {
    var rest = self[...]
    var pieces: [Substring] = []
    while !rest.isEmpty {
      pieces.append(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    return pieces
  }
}
