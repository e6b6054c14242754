// Writing keys of a ConfigMap where a Role allows `get`, `create` and `update`, but no `patch`.

import Hints
import Kubernetes
import Testing
import TestSupport

@Suite struct `The record without the right to patch` {
  let fields = ["path": "c1/prefix/01J", "size": "1"]
  let patch = APICall("patch", .configMaps, named: "rec", in: "ns")
  let update = APICall("update", .configMaps, named: "rec", in: "ns")
  let forbidden = status(403, "Forbidden")
  let notFound = status(404, "NotFound")
  let conflict = status(409, "Conflict", "object was modified")
  let recorded = object(data: #"{"path":"c1/prefix/01J","size":"1"}"#)

  /// A ConfigMap with something of every kind in it, keys in order as we send them.
  func configMap(version: Int = 41, data: String = #"{"other":"kept","path":"older"}"#) -> String {
    #"{"apiVersion":"v1","binaryData":{"b":"AP8/"},"data":\#(data),"future":{"fraction":-0.1,"#
      + #""largest":18446744073709551615,"list":[1,[],{},null,true],"#
      + #""smallest":-9223372036854775808},"immutable":false,"kind":"ConfigMap","metadata":{"#
      + #""annotations":{"a.b/c":"1","text":"\u0001 \"\\ ü </\n"},"finalizers":["a.b/keep"],"#
      + #""generation":9223372036854775807,"labels":{"a.b/c":"1e3"},"managedFields":["#
      + #"{"fieldsV1":{"f:data":{".":{},"f:other":{}}},"manager":"m"}],"name":"rec","#
      + #""namespace":"ns","ownerReferences":[{"controller":true}],"resourceVersion":"\#(version)","#
      + #""uid":"7c1d"}}"#
  }

  func answer(_ configMap: String) -> ScriptedServer.Reply { .response(200, json: configMap) }

  func record(on server: ScriptedServer) throws {
    try Cluster.at(server).record(fields, inConfigMap: "rec")
  }

  func failure(on server: ScriptedServer) throws -> KubernetesError {
    try #require(throws: KubernetesError.self) { try record(on: server) }
  }

  @Test func `C6: puts the ConfigMap back with its own keys set, and all else as it was`() throws {
    let server = ScriptedServer(script: [forbidden, answer(configMap()), recorded])
    try record(on: server)
    let requests = server.requests
    try #require(requests.map(\.method) == ["PATCH", "GET", "PUT"])
    #expect(requests[1].target == "/api/v1/namespaces/ns/configmaps/rec")
    #expect(requests[2].target == "/api/v1/namespaces/ns/configmaps/rec?fieldManager=etcd-backup")
    #expect(requests[2]["content-type"] == "application/json")
    #expect(
      requests[2].bodyText
        == configMap(data: #"{"other":"kept","path":"c1/prefix/01J","size":"1"}"#))
  }

  @Test(arguments: [#""data":null,"#, ""])
  func `sets its keys in a ConfigMap without any`(data: String) throws {
    let empty = #"{\#(data)"kind":"ConfigMap","metadata":{"resourceVersion":"1"}}"#
    let server = ScriptedServer(script: [forbidden, answer(empty), recorded])
    try record(on: server)
    #expect(
      server.requests.last?.bodyText
        == #"{"data":{"path":"c1/prefix/01J","size":"1"},"kind":"ConfigMap","#
        + #""metadata":{"resourceVersion":"1"}}"#)
  }

  @Test func `C1: reads again what somebody else has changed meanwhile`() throws {
    let newer = configMap(version: 42, data: #"{"other":"new"}"#)
    let server = ScriptedServer(script: [
      forbidden, answer(configMap()), conflict, answer(newer), recorded,
    ])
    try record(on: server)
    let requests = server.requests
    #expect(requests.map(\.method) == ["PATCH", "GET", "PUT", "GET", "PUT"])
    #expect(
      requests.last?.bodyText
        == configMap(
          version: 42, data: #"{"other":"new","path":"c1/prefix/01J","size":"1"}"#))
  }

  @Test func `C1: is an error when conflicts do not end`() throws {
    let server = ScriptedServer { [self] request in
      switch request.method {
      case "PATCH": forbidden
      case "GET": answer(configMap())
      default: conflict
      }
    }
    #expect(try failure(on: server) == .conflict(update, message: "object was modified"))
    #expect(
      server.requests.map(\.method)
        == ["PATCH"] + [[String]](repeating: ["GET", "PUT"], count: 5).flatMap(\.self))
  }

  @Test(arguments: [status(500, "InternalError"), status(429, "TooManyRequests"), [.reset]])
  func `C1: is tried again after a passing failure`(reply: ScriptedServer.Reply) throws {
    let server = ScriptedServer(script: [forbidden, answer(configMap()), reply, recorded])
    try record(on: server)
    #expect(server.requests.map(\.method) == ["PATCH", "GET", "PUT", "PUT"])
  }

  @Test func `C1: is no lost case when only the answer was lost`() throws {
    let server = ScriptedServer(script: [
      forbidden, answer(configMap()), [.reset], conflict, answer(configMap(version: 42)), recorded,
    ])
    try record(on: server)
    #expect(server.requests.map(\.method) == ["PATCH", "GET", "PUT", "PUT", "GET", "PUT"])
  }

  @Test func `creates the ConfigMap where there is none`() throws {
    let server = ScriptedServer(script: [forbidden, notFound, recorded])
    try record(on: server)
    #expect(server.requests.map(\.method) == ["PATCH", "GET", "POST"])
  }

  @Test func `creates the ConfigMap that somebody else has just deleted`() throws {
    let server = ScriptedServer(script: [forbidden, answer(configMap()), notFound, recorded])
    try record(on: server)
    #expect(server.requests.map(\.method) == ["PATCH", "GET", "PUT", "POST"])
  }

  @Test func `updates the ConfigMap that somebody else has just created`() throws {
    let server = ScriptedServer(script: [
      forbidden, notFound, status(409, "AlreadyExists"), forbidden, answer(configMap()), recorded,
    ])
    try record(on: server)
    #expect(server.requests.map(\.method) == ["PATCH", "GET", "POST", "PATCH", "GET", "PUT"])
  }

  @Test func `asks for the right to patch when it may not update either`() throws {
    let server = ScriptedServer(script: [
      status(403, "Forbidden", "User u cannot patch"), answer(configMap()), forbidden,
    ])
    let error = try failure(on: server)
    #expect(
      "\(error)" == "patch configmaps/rec in namespace ns is not allowed: User u cannot patch; "
        + "nor is update allowed instead")
    #expect(error.hint?.hasPrefix("Allow patch on configmaps/rec in a Role") == true)
    #expect(error.isConfiguration)
    #expect(server.requests.map(\.method) == ["PATCH", "GET", "PUT"])
  }

  @Test func `asks for the right to patch when it may not read either`() throws {
    let server = ScriptedServer { [forbidden] _ in forbidden }
    let error = try failure(on: server)
    #expect(error == .forbidden(patch, message: "because; nor is get allowed instead"))
    #expect(server.requests.map(\.method) == ["PATCH", "GET"])
  }

  @Test func `C1: is an error when the answer does not hold the values`() throws {
    let server = ScriptedServer(script: [forbidden, answer(configMap()), answer(configMap())])
    #expect(try failure(on: server) == .notRecorded(update, key: "path"))
  }

  @Test(arguments: ["", "[]", #"{"data":"#, #"{"n":1e999}"#])
  func `does not put back what it cannot read`(body: String) throws {
    let server = ScriptedServer(script: [forbidden, .response(200, json: body)])
    let get = APICall("get", .configMaps, named: "rec", in: "ns")
    #expect(try failure(on: server) == .unreadableAnswer(get))
    #expect(server.requests.map(\.method) == ["PATCH", "GET"])
  }

  @Test func `tells what an immutable ConfigMap needs`() throws {
    let server = ScriptedServer(script: [
      forbidden, answer(configMap()), status(422, "Invalid", "field is immutable"),
    ])
    let error = try failure(on: server)
    #expect(error == .invalid(update, message: "field is immutable"))
    #expect(error.hint?.contains("Replace the ConfigMap") == true)
  }
}
