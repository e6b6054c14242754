// Reading a Secret over the wire, and its values out of it.

import Hints
import Kubernetes
import Testing
import TestSupport

@Suite struct `A Secret` {
  func secret(_ data: String) throws -> Secret {
    let server = ScriptedServer(script: [object(data: data)])
    return try Cluster.at(server).secret(named: "abs")
  }

  @Test func `is asked for with just this request`() throws {
    let server = ScriptedServer(script: [object(data: "{}")])
    _ = try Cluster.at(server, user: ["token: abc"]).secret(named: "abs")
    #expect(
      server.requests.map(\.head) == [
        "GET /api/v1/namespaces/ns/secrets/abs HTTP/1.1\r\nHost: \(server.address)\r\n"
          + "User-Agent: etcd-backup\r\nAccept: application/json\r\nAuthorization: Bearer abc\r\n\r\n"
      ])
  }

  @Test func `has its name and namespace percent-encoded on the way`() throws {
    let server = ScriptedServer(script: [object(data: "{}")])
    _ = try Cluster.at(server, namespace: "a/b").secret(named: "../c?d")
    #expect(server.requests.map(\.target) == ["/api/v1/namespaces/a%2Fb/secrets/..%2Fc%3Fd"])
  }

  @Test func `gives its values byte for byte`() throws {
    let secret = try secret(#"{"tls.key":"AP8KDQo=","empty":""}"#)
    #expect(try secret.bytes("tls.key") == [0, 255, 10, 13, 10])
    #expect(try secret.bytes("empty").isEmpty)
    #expect(secret.keys == ["empty", "tls.key"])
  }

  @Test(arguments: [
    "account", "account\n", " account\r\n\r\n", "\t\u{FEFF}account\u{FEFF}\u{A0}\n",
    "\u{FEFF}account",
  ])
  func `gives its texts without what editors leave around them`(value: String) throws {
    #expect(try secret(#"{"k":"\#(base64(value))"}"#).text("k") == "account")
  }

  @Test func `keeps blanks inside a text`() throws {
    #expect(try secret(#"{"k":"\#(base64(" a b\nc "))"}"#).text("k") == "a b\nc")
  }

  @Test func `says which key is missing, and which there are`() throws {
    let secret = try secret(#"{"storage-acount":"eA==","storage-key":"eA=="}"#)
    let error = try #require(throws: KubernetesError.self) { try secret.text("storage-account") }
    #expect(
      error
        == .keyMissing(
          "storage-account", secret: "abs", namespace: "ns",
          present: ["storage-acount", "storage-key"]))
    #expect(
      "\(error)" == "the Secret abs in namespace ns has no key storage-account but "
        + "storage-acount, storage-key")
  }

  @Test(arguments: ["{}", "null"]) func `may hold nothing at all`(data: String) throws {
    let secret = try secret(data)
    #expect(
      throws: KubernetesError.keyMissing("k", secret: "abs", namespace: "ns", present: [])
    ) { try secret.bytes("k") }
  }

  @Test func `says which value is not base64, not text or empty`() throws {
    let secret = try secret(#"{"a":"s3cret!","b":"gICA","c":"IAo="}"#)
    #expect(throws: KubernetesError.keyNotBase64("a", secret: "abs", namespace: "ns")) {
      try secret.text("a")
    }
    #expect(throws: KubernetesError.keyNotText("b", secret: "abs", namespace: "ns")) {
      try secret.text("b")
    }
    #expect(throws: KubernetesError.keyEmpty("c", secret: "abs", namespace: "ns")) {
      try secret.text("c")
    }
  }

  @Test func `that is missing is named together with its namespace`() throws {
    let server = ScriptedServer(script: [status(404, "NotFound", #"secrets \"abs\" not found"#)])
    let cluster = try Cluster.at(server)
    let error = try #require(throws: KubernetesError.self) { try cluster.secret(named: "abs") }
    #expect(error == .notFound(APICall("get", .secrets, named: "abs", in: "ns")))
    #expect("\(error)".hasPrefix("get secrets/abs in namespace ns failed: there is no such object"))
    #expect(error.isConfiguration)
    #expect(!error.isTransient)
  }

  @Test func `that may not be read says who may not do what`() throws {
    let message = #"secrets \"abs\" is forbidden: User \"u\" cannot get resource"#
    let server = ScriptedServer(script: [status(403, "Forbidden", message)])
    let cluster = try Cluster.at(server)
    let error = try #require(throws: KubernetesError.self) { try cluster.secret(named: "abs") }
    #expect(
      "\(error)"
        == #"get secrets/abs in namespace ns is not allowed: secrets "abs" is forbidden: User "u" cannot get resource"#
    )
    #expect(error.hint?.hasPrefix("Allow get on secrets/abs in a Role of this namespace") == true)
    #expect(error.isConfiguration)
  }
}
