// Whom we trust and who we are, shown on real TLS connections.

import FoundationEssentials
import HTTP
import Kubernetes
import Testing

@Suite struct `The connection to the API server` {
  let folder: TemporaryFolder
  /// For an address, as API servers' certificates usually are.
  let byAddress: TLSServer.KeyPair
  let byName: TLSServer.KeyPair

  init() throws {
    folder = try TemporaryFolder()
    byAddress = try TLSServer.KeyPair(for: "IP:127.0.0.1", in: folder)
    byName = try TLSServer.KeyPair(for: "DNS:kubernetes", in: folder)
    let body = #"{"data":{"k":"dg=="}}"#
    try folder.write(
      "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)",
      to: "api/v1/namespaces/ns/secrets/abs")
  }

  func serve(_ pair: TLSServer.KeyPair, clientAuthority: String? = nil) throws -> TLSServer {
    try TLSServer(pair, serving: folder, clientAuthority: clientAuthority)
  }

  func text(of server: TLSServer, cluster: [String], user: [String] = []) throws -> String {
    let text = KubeconfigText(
      server: "https://127.0.0.1:\(server.port)", cluster: cluster, user: user)
    let file = try folder.write(text.yaml, to: "config-\(server.port)")
    return try value(over: .kubeconfig(at: file))
  }

  func value(over server: APIServer) throws -> String {
    try Cluster(server, namespace: "ns", transport: Transport(), retryPolicy: .brisk)
      .secret(named: "abs").text("k")
  }

  func failure(of read: () throws -> String) throws -> TransferError.Kind {
    let error = try #require(throws: KubernetesError.self) { try read() }
    guard case .transfer(_, let cause) = error else {
      Issue.record("\(error)")
      return .other
    }
    #expect(error.isConfiguration)
    #expect(!error.isTransient)
    return cause.kind
  }

  @Test func `is trusted by the CA of the service account`() throws {
    let server = try serve(byAddress)
    let authority = try String(contentsOfFile: byAddress.certificate, encoding: .utf8)
    try folder.write(authority, to: "account/ca.crt")
    try folder.write("token", to: "account/token")
    let environment = [
      "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": server.port,
    ]
    let way = try APIServer.inCluster(
      environment: environment, serviceAccountFolder: "\(folder.path)/account")
    #expect(try value(over: way) == "v")
  }

  @Test func `is trusted by the CA of the kubeconfig`() throws {
    let server = try serve(byAddress)
    #expect(
      try text(of: server, cluster: ["certificate-authority: \(byAddress.certificate)"]) == "v")
  }

  @Test func `is not made to a server that another CA vouches for`() throws {
    let server = try serve(byAddress)
    let kind = try failure {
      try text(of: server, cluster: ["certificate-authority: \(byName.certificate)"])
    }
    #expect(kind == .untrustedServer)
  }

  @Test func `is not made to a server that only its own certificate vouches for`() throws {
    let server = try serve(byAddress)
    #expect(try failure { try text(of: server, cluster: []) } == .untrustedServer)
  }

  @Test func `is made to such a server only when verification is turned off`() throws {
    let server = try serve(byAddress)
    #expect(try text(of: server, cluster: ["insecure-skip-tls-verify: true"]) == "v")
  }

  @Test func `checks the server's name, which the kubeconfig may give`() throws {
    let server = try serve(byName)
    let authority = "certificate-authority: \(byName.certificate)"
    #expect(try failure { try text(of: server, cluster: [authority]) } == .untrustedServer)
    #expect(
      try text(of: server, cluster: [authority, "tls-server-name: kubernetes"]) == "v")
  }

  @Test func `goes by the server's own address but for its certificate`() throws {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"data\":{\"k\":\"dg==\"}}\n"
    let server = try TLSServer(byName, saying: answer)
    #expect(
      try text(
        of: server,
        cluster: ["certificate-authority: \(byName.certificate)", "tls-server-name: kubernetes"])
        == "v")
    #expect(server.readOutput(upTo: "\r\n\r\n").contains("Host: 127.0.0.1:\(server.port)\r\n"))
  }

  @Test func `shows the client certificate of the kubeconfig`() throws {
    let client = try TLSServer.KeyPair(for: "DNS:client", in: folder)
    let server = try serve(byAddress, clientAuthority: client.certificate)
    let cluster = ["certificate-authority: \(byAddress.certificate)"]
    #expect(
      try text(
        of: server, cluster: cluster,
        user: ["client-certificate: \(client.certificate)", "client-key: \(client.key)"]) == "v")
    #expect(try failure { try text(of: server, cluster: cluster) } == .refusedIdentity)
  }
}
