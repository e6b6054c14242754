// Writing keys of a ConfigMap: patch, create where there is none, and look at what came of it.

import Hints
import Kubernetes
import Testing
import TestSupport

@Suite struct `The record` {
  let fields = ["path": "c1/prefix/01J", "size": "1"]
  let data = #"{"other":"kept","path":"c1/prefix/01J","size":"1"}"#
  let patch = APICall("patch", .configMaps, named: "rec", in: "ns")
  let create = APICall("create", .configMaps, named: "rec", in: "ns")
  let notFound = status(404, "NotFound", #"configmaps \"rec\" not found"#)
  let alreadyExists = status(409, "AlreadyExists", #"configmaps \"rec\" already exists"#)

  func record(on server: ScriptedServer) throws {
    try Cluster.at(server, user: ["token: abc"]).record(fields, inConfigMap: "rec")
  }

  func failure(on server: ScriptedServer) throws -> KubernetesError {
    try #require(throws: KubernetesError.self) { try record(on: server) }
  }

  @Test func `C6: is a merge patch of its own keys, and nothing else`() throws {
    let server = ScriptedServer(script: [object(data: data)])
    try record(on: server)
    let requests = server.requests
    #expect(
      requests.map(\.head) == [
        "PATCH /api/v1/namespaces/ns/configmaps/rec?fieldManager=etcd-backup HTTP/1.1\r\n"
          + "Host: \(server.address)\r\nUser-Agent: etcd-backup\r\nAccept: application/json\r\n"
          + "Authorization: Bearer abc\r\nContent-Type: application/merge-patch+json\r\n"
          + "Content-Length: 44\r\n\r\n"
      ])
    #expect(requests.map(\.bodyText) == [#"{"data":{"path":"c1/prefix/01J","size":"1"}}"#])
  }

  @Test func `creates the ConfigMap where there is none`() throws {
    let server = ScriptedServer(script: [notFound, object(201, data: data)])
    try record(on: server)
    let requests = server.requests
    try #require(requests.map(\.method) == ["PATCH", "POST"])
    #expect(requests[1].target == "/api/v1/namespaces/ns/configmaps?fieldManager=etcd-backup")
    #expect(requests[1]["content-type"] == "application/json")
    #expect(
      requests[1].bodyText
        == #"{"apiVersion":"v1","data":{"path":"c1/prefix/01J","size":"1"},"kind":"ConfigMap","#
        + #""metadata":{"name":"rec"}}"#)
  }

  @Test func `patches the ConfigMap that somebody else has just created`() throws {
    let server = ScriptedServer(script: [notFound, alreadyExists, object(data: data)])
    try record(on: server)
    #expect(server.requests.map(\.method) == ["PATCH", "POST", "PATCH"])
  }

  @Test func `patches the ConfigMap whose creation was answered by a broken connection`() throws {
    let server = ScriptedServer(script: [notFound, [.reset], alreadyExists, object(data: data)])
    try record(on: server)
    #expect(server.requests.map(\.method) == ["PATCH", "POST", "POST", "PATCH"])
  }

  @Test func `gives up on a ConfigMap that comes and goes`() throws {
    let server = ScriptedServer { [notFound, alreadyExists] request in
      request.method == "PATCH" ? notFound : alreadyExists
    }
    let error = try failure(on: server)
    #expect(error == .conflict(create, message: "another program keeps creating and deleting it"))
    #expect(server.requests.map(\.method) == ["PATCH", "POST", "PATCH", "POST"])
  }

  @Test(arguments: [
    status(409, "Conflict"), status(500, "InternalError"), status(429, "TooManyRequests"),
    .response(502, text: "<html>"), [.reset],
  ])
  func `C1: is tried again after a conflict or a passing failure`(
    reply: ScriptedServer.Reply
  ) throws {
    let server = ScriptedServer(script: [reply, reply, object(data: data)])
    try record(on: server)
    let requests = server.requests
    #expect(requests.map(\.method) == ["PATCH", "PATCH", "PATCH"])
    #expect(Set(requests.map(\.bodyText)).count == 1)
  }

  @Test func `C1: is an error when conflicts do not end`() throws {
    let server = ScriptedServer { _ in status(409, "Conflict", "object was modified") }
    #expect(try failure(on: server) == .conflict(patch, message: "object was modified"))
    #expect(server.requests.count == 3)
  }

  @Test(arguments: ["{}", "null", #"{"path":"c1/prefix/01J"}"#, #"{"path":"older","size":"1"}"#])
  func `C1: is an error when the answer does not hold the values`(answer: String) throws {
    let server = ScriptedServer(script: [object(data: answer)])
    let error = try failure(on: server)
    guard case .notRecorded(patch, let key) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(fields.keys.contains(key))
    #expect(!answer.contains(#""\#(key)":"\#(fields[key] ?? "")""#))
  }

  @Test func `C1: is an error when a new ConfigMap does not hold the values`() throws {
    let server = ScriptedServer(script: [notFound, object(201, data: "{}")])
    #expect(try failure(on: server) == .notRecorded(create, key: "path"))
  }

  @Test func `says so when the namespace is missing`() throws {
    let missing = status(404, "NotFound", #"namespaces \"ns\" not found"#)
    let server = ScriptedServer { _ in missing }
    let error = try failure(on: server)
    #expect(error == .notFound(create))
    #expect(
      "\(error)" == "create configmaps/rec in namespace ns failed: there is no such namespace")
    #expect(server.requests.count == 2)
  }

  @Test func `says how to allow the creation that is not allowed`() throws {
    let error = try failure(on: ScriptedServer(script: [notFound, status(403, "Forbidden")]))
    #expect(error == .forbidden(create, message: "because"))
    #expect(error.hint?.contains("without resourceNames") == true)
  }

  @Test func `does not create what a foreign server's 404 is about`() throws {
    let server = ScriptedServer { _ in .response(404, text: "404 page not found") }
    let error = try failure(on: server)
    #expect(
      error == .refused(patch, status: 404, message: "without a reason that we understand"))
    #expect(server.requests.count == 1)
  }

  @Test func `tells what an immutable ConfigMap needs`() throws {
    let server = ScriptedServer { _ in
      status(422, "Invalid", "field is immutable when `immutable` is set")
    }
    let error = try failure(on: server)
    #expect(error == .invalid(patch, message: "field is immutable when `immutable` is set"))
    #expect(error.hint?.contains("Replace the ConfigMap") == true)
    #expect(server.requests.count == 1)
  }

  @Test func `cuts a long message to one bounded line`() throws {
    let message = String(repeating: #"x\n"#, count: 1000)
    let error = try failure(on: ScriptedServer { _ in status(422, "Invalid", message) })
    guard case .invalid(_, let text) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(text == String(repeating: "x ", count: 250) + "…")
  }
}

@Suite struct `A ConfigMap` {
  @Test func `that is not there is no error`() throws {
    let server = ScriptedServer(script: [status(404, "NotFound")])
    #expect(try Cluster.at(server).configMap(named: "c") == nil)
  }

  @Test(arguments: ["{}", "null"]) func `may be empty`(data: String) throws {
    let server = ScriptedServer(script: [object(data: data)])
    #expect(try Cluster.at(server).configMap(named: "c") == [:])
    #expect(server.requests.map(\.target) == ["/api/v1/namespaces/ns/configmaps/c"])
  }
}

@Suite struct `A question about access` {
  @Test(arguments: [true, false]) func `is put to the server`(allowed: Bool) throws {
    let server = ScriptedServer(script: [
      .response(201, json: #"{"kind":"X","status":{"allowed":\#(allowed),"reason":"r"}}"#)
    ])
    #expect(
      try Cluster.at(server).canI("patch", .configMaps, named: "rec") == allowed)
    let requests = server.requests
    try #require(requests.count == 1)
    #expect(requests[0].method == "POST")
    #expect(requests[0].target == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
    #expect(
      requests[0].bodyText
        == #"{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","#
        + #""spec":{"resourceAttributes":{"group":"","name":"rec","namespace":"ns","#
        + #""resource":"configmaps","verb":"patch"}}}"#)
  }

  @Test func `leaves the name out where there is none`() throws {
    let server = ScriptedServer(script: [.response(201, json: #"{"status":{"allowed":true}}"#)])
    _ = try Cluster.at(server).canI("create", .configMaps)
    #expect(server.requests.first?.bodyText.contains("name\":\"rec") == false)
    #expect(
      server.requests.first?.bodyText.contains(
        #"{"group":"","namespace":"ns","resource":"configmaps","verb":"create"}"#) == true)
  }
}
