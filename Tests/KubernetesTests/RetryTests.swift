// What is tried again, how often and how patiently, and what is not.

import Hints
import HTTP
import Kubernetes
import Testing
import TestSupport

@Suite struct `A hint about a refusal` {
  static let quota =
    #"configmaps \"r\" is forbidden: exceeded quota: q, requested: count/configmaps=1"#
  static let webhook = #"admission webhook \"v.example\" denied the request: no owner label"#
  static let policy =
    #"configmaps \"r\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"#
  static let ending =
    #"configmaps \"r\" is forbidden: unable to create new content in namespace ns because it is being terminated"#
  static let rules =
    #"configmaps \"r\" is forbidden: User \"u\" cannot create resource \"configmaps\""#

  @Test(arguments: [
    (403, "Forbidden", quota, "quota"), (403, "Forbidden", webhook, "admission webhook"),
    (400, "BadRequest", webhook, "admission webhook"), (422, "Invalid", policy, "policy"),
    (403, "Forbidden", ending, "being deleted"), (403, "Forbidden", rules, "Allow get"),
    (422, "Invalid", "data: Too long: may not be more than 1048576 bytes", nil),
    (400, "BadRequest", "the body is odd", nil),
  ])
  func `Y2 goes by the server's own words`(
    code: Int, reason: String, message: String, word: String?
  ) throws {
    let server = ScriptedServer { _ in status(code, reason, message) }
    let error = try #require(throws: KubernetesError.self) {
      try Cluster.at(server).configMap(named: "r")
    }
    #expect(error.hint?.contains(word ?? "") == (word == nil ? nil : true), "\(error.hint ?? "")")
  }

  @Test func `U15 every attempt that is repeated is reported with its delay and its cause`() throws
  {
    let server = ScriptedServer { _ in status(503, "ServiceUnavailable", "busy") }
    let transport = Transport()
    var retries: [Retry] = []
    transport.retryObserver = { retries.append($0) }
    _ = try? Cluster.at(server, transport: transport).configMap(named: "r")
    #expect(retries.map(\.attempt) == [1, 2])
    #expect(retries.allSatisfy { $0.cause.contains("busy") && $0.delay > .zero })
  }
}

@Suite struct `Another try` {
  let read = APICall("get", .configMaps, named: "c", in: "ns")

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
