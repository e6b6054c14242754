// Tokens in files: read again when old, and when the server does not take them.

import FoundationEssentials
import Kubernetes
import TestSupport
import Testing

@Suite struct `A token in a file` {
  let folder: TemporaryFolder
  let user: [String]

  init() throws {
    folder = try TemporaryFolder()
    user = ["tokenFile: \(try folder.write("one\n", to: "token"))"]
  }

  func tokens(_ server: ScriptedServer) -> [String?] {
    server.requests.map { $0["authorization"] }
  }

  @Test func `is kept for a while`() throws {
    let server = ScriptedServer { _ in object(data: "{}") }
    let cluster = try Cluster.at(server, user: user)
    _ = try cluster.configMap(named: "c")
    try folder.write("two\n", to: "token")
    _ = try cluster.configMap(named: "c")
    #expect(tokens(server) == ["Bearer one", "Bearer one"])
  }

  @Test func `is read again once it is old`() throws {
    let server = ScriptedServer { _ in object(data: "{}") }
    let cluster = try Cluster.at(server, user: user, maximumTokenAge: .zero)
    _ = try cluster.configMap(named: "c")
    try folder.write("two\n", to: "token")
    _ = try cluster.configMap(named: "c")
    #expect(tokens(server) == ["Bearer one", "Bearer two"])
  }

  @Test func `is read again when the server does not take it`() throws {
    let server = ScriptedServer { request in
      request["authorization"] == "Bearer two"
        ? object(data: #"{"k":"v"}"#) : status(401, "Unauthorized", "Unauthorized")
    }
    let cluster = try Cluster.at(server, user: user)
    #expect(throws: KubernetesError.self) { try cluster.configMap(named: "c") }
    try folder.write("two", to: "token")
    #expect(try cluster.configMap(named: "c") == ["k": "v"])
    #expect(tokens(server) == ["Bearer one", "Bearer one", "Bearer two"])
  }

  @Test func `is not sent a second time when it is still the same`() throws {
    let server = ScriptedServer { _ in status(401, "Unauthorized", "Unauthorized") }
    let cluster = try Cluster.at(server, user: user)
    let error = try #require(throws: KubernetesError.self) { try cluster.configMap(named: "c") }
    #expect(error == .unauthorized(APICall("get", .configMaps, named: "c", in: "ns")))
    #expect(error.isConfiguration)
    #expect(!error.isTransient)
    #expect(server.requests.count == 1)
  }

  @Test func `is read again once, not for ever`() throws {
    // Whoever is refused finds another token in the file the next time.
    let file = URL(fileURLWithPath: "\(folder.path)/token")
    let server = ScriptedServer { request in
      do {
        try Data("\(request["authorization"]?.dropFirst(7) ?? "")x".utf8).write(to: file)
        return status(401, "Unauthorized", "Unauthorized")
      } catch {
        return .response(500, text: "\(error)")
      }
    }
    let cluster = try Cluster.at(server, user: user)
    #expect(throws: KubernetesError.unauthorized(APICall("get", .configMaps, named: "c", in: "ns")))
    {
      try cluster.configMap(named: "c")
    }
    #expect(server.requests.count == 2)
  }

  @Test func `stays in use while its file cannot be read`() throws {
    let server = ScriptedServer { _ in object(data: "{}") }
    let cluster = try Cluster.at(server, user: user, maximumTokenAge: .zero)
    _ = try cluster.configMap(named: "c")
    try folder.write("", to: "token")
    _ = try cluster.configMap(named: "c")
    #expect(tokens(server) == ["Bearer one", "Bearer one"])
  }

  @Test func `goes before a token in the kubeconfig, which stands in for it`() throws {
    let server = ScriptedServer { _ in object(data: "{}") }
    let cluster = try Cluster.at(server, user: user + ["token: other"], maximumTokenAge: .zero)
    _ = try cluster.configMap(named: "c")
    try folder.write("", to: "token")
    _ = try cluster.configMap(named: "c")
    #expect(tokens(server) == ["Bearer one", "Bearer other"])
  }
}
