/// What is tried again, how often and how patiently, and what is not.

import HTTP
import Kubernetes
import TestSupport
import Testing

@Suite struct `Another try` {
  let read = Action("get", .configMaps, named: "c", in: "ns")

  @Test(arguments: [408, 429, 500, 502, 503, 504])
  func `follows an answer that says nothing about the request`(code: Int) throws {
    let server = ScriptedServer(script: [status(code, "X"), object(data: #"{"k":"v"}"#)])
    #expect(try Cluster.at(server).configMap(named: "c") == ["k": "v"])
    #expect(server.requests.count == 2)
  }

  @Test(
    arguments: [
      [.reset], [.close], [.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), .close],
    ] as [ScriptedServer.Reply])
  func `follows a connection that breaks`(reply: ScriptedServer.Reply) throws {
    let server = ScriptedServer(script: [reply, object(data: #"{"k":"v"}"#)])
    #expect(try Cluster.at(server).configMap(named: "c") == ["k": "v"])
    #expect(server.requests.count == 2)
  }

  @Test func `comes after the time that the server asks for`() throws {
    let server = ScriptedServer(script: [
      .response(429, headers: ["Retry-After": "1"]), object(data: "{}"),
    ])
    _ = try Cluster.at(server).configMap(named: "c")
    let arrivals = server.requests.map(\.arrival)
    try #require(arrivals.count == 2)
    #expect(arrivals[0].duration(to: arrivals[1]) >= .seconds(1))
  }

  @Test func `comes after the time that the Status asks for`() throws {
    let server = ScriptedServer(script: [
      status(503, "ServiceUnavailable", details: #"{"retryAfterSeconds":1}"#), object(data: "{}"),
    ])
    _ = try Cluster.at(server).configMap(named: "c")
    let arrivals = server.requests.map(\.arrival)
    try #require(arrivals.count == 2)
    #expect(arrivals[0].duration(to: arrivals[1]) >= .seconds(1))
  }

  @Test func `is not waited for longer than the policy allows`() throws {
    let server = ScriptedServer { _ in .response(503, headers: ["Retry-After": "3600"]) }
    let cluster = try Cluster.at(server)
    #expect(throws: KubernetesError.self) { try cluster.configMap(named: "c") }
    #expect(server.requests.count == 1)
  }

  @Test func `is given up in bounds, with the last reason`() throws {
    let server = ScriptedServer { _ in status(500, "InternalError", "etcdserver: no leader") }
    let cluster = try Cluster.at(server)
    let error = try #require(throws: KubernetesError.self) { try cluster.configMap(named: "c") }
    #expect(error == .unavailable(read, status: 500, message: "etcdserver: no leader"))
    #expect(error.isTransient)
    #expect(!error.isConfiguration)
    #expect(server.requests.count == 3)
  }

  @Test func `is given up in bounds where nobody listens`() throws {
    let server = ScriptedServer(script: [])
    let cluster = try Cluster.at(server)
    server.stop()
    let error = try #require(throws: KubernetesError.self) { try cluster.configMap(named: "c") }
    guard case .transfer(read, let cause) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(cause.kind == .noConnection)
    #expect(error.isTransient)
    #expect(!error.isConfiguration)
    #expect(error.hint != nil)
  }

  @Test(arguments: [
    (400, "BadRequest"), (403, "Forbidden"), (405, "X"), (415, "X"), (422, "Invalid"),
  ])
  func `does not follow a refusal`(code: Int, reason: String) throws {
    let server = ScriptedServer { _ in status(code, reason) }
    let cluster = try Cluster.at(server)
    let error = try #require(throws: KubernetesError.self) { try cluster.configMap(named: "c") }
    #expect(error.isConfiguration)
    #expect(server.requests.count == 1)
  }

  @Test func `does not follow a redirection`() throws {
    let server = ScriptedServer { _ in .response(302, headers: ["Location": "/login"]) }
    let cluster = try Cluster.at(server, user: ["token: abc"])
    let error = try #require(throws: KubernetesError.self) { try cluster.configMap(named: "c") }
    #expect(
      error == .refused(read, status: 302, message: "without a reason that we understand"))
    #expect(server.requests.count == 1)
  }

  @Test func `is not waited for when the run is being stopped`() throws {
    let server = ScriptedServer { _ in .response(503, headers: ["Retry-After": "60"]) }
    let start = ContinuousClock.now
    let transport = Transport { start.duration(to: .now) > .milliseconds(300) ? .terminated : nil }
    let cluster = try Cluster.at(server, transport: transport)
    let error = try #require(throws: KubernetesError.self) { try cluster.configMap(named: "c") }
    #expect(error.stopReason == .terminated)
    #expect(!error.isTransient)
    #expect(!error.isConfiguration)
    #expect(start.duration(to: .now) < .seconds(5))
  }
}
