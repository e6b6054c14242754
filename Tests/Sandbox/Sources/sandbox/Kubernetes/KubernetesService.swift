// The Kubernetes API, as far as a program needs it that reads Secrets and keeps a ConfigMap.

import Foundation

/// Serves Secrets (read) and ConfigMaps (read, create, update, merge patch, delete) to whom
/// `access.json` allows.
struct KubernetesService: Service {
  let objects: ObjectStore

  let name = "kubernetes"

  private enum Route {
    case object(resource: String, namespace: String, name: String)
    case collection(resource: String, namespace: String)
    case accessReview
    case unknown
  }

  private func route(_ call: Call) -> Route {
    let parts = call.path.split(separator: "/", omittingEmptySubsequences: false).map {
      PercentEncoding.decode($0) ?? ""
    }
    if parts == ["", "apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] {
      return .accessReview
    }
    guard parts.count >= 6, Array(parts[..<4]) == ["", "api", "v1", "namespaces"],
      ["secrets", "configmaps"].contains(parts[5]),
      // Names become file names.
      parts.dropFirst(4).allSatisfy(ConfigMapRules.isObjectName)
    else { return .unknown }
    switch parts.count {
    case 6: return .collection(resource: parts[5], namespace: parts[4])
    case 7: return .object(resource: parts[5], namespace: parts[4], name: parts[6])
    default: return .unknown
    }
  }

  func operation(of call: Call) -> String {
    switch (call.method, route(call)) {
    case ("GET", .object("secrets", _, _)): "GetSecret"
    case ("GET", .object("configmaps", _, _)): "GetConfigMap"
    case ("PATCH", .object("configmaps", _, _)): "PatchConfigMap"
    case ("PUT", .object("configmaps", _, _)): "UpdateConfigMap"
    case ("DELETE", .object("configmaps", _, _)): "DeleteConfigMap"
    case ("POST", .collection("configmaps", _)): "CreateConfigMap"
    case ("POST", .accessReview): "ReviewAccess"
    default: "Unknown"
    }
  }

  func answer(_ call: Call, body: inout IncomingBody, fault: FaultAction?) throws -> Answer {
    let account = try AccessTable(file: objects.accessFile).account(of: call)
    guard let bytes = try body.collect(upTo: 3 << 20) else { throw APIStatus.tooLarge() }
    let route = route(call)
    switch (operation(of: call), route) {
    case ("GetSecret", .object(let resource, let namespace, let name)),
      ("GetConfigMap", .object(let resource, let namespace, let name)):
      try allow(account, "get", resource, namespace, name)
      guard let object = try objects.read(resource, namespace, name) else {
        throw APIStatus.notFound(resource, name)
      }
      return try document(200, object)
    case ("PatchConfigMap", .object(let resource, let namespace, let name)):
      try allow(account, "patch", resource, namespace, name)
      return try patch(call, Data(bytes), namespace, name)
    case ("UpdateConfigMap", .object(let resource, let namespace, let name)):
      try allow(account, "update", resource, namespace, name)
      return try update(call, Data(bytes), namespace, name)
    case ("DeleteConfigMap", .object(let resource, let namespace, let name)):
      try allow(account, "delete", resource, namespace, name)
      return try delete(call, Data(bytes), namespace, name)
    case ("CreateConfigMap", .collection(let resource, let namespace)):
      try allow(account, "create", resource, namespace, nil)
      return try create(call, Data(bytes), namespace)
    case ("ReviewAccess", _):
      return try reviewAccess(Data(bytes), account)
    case (_, .unknown): throw APIStatus.noSuchPath
    default: throw APIStatus.methodNotAllowed()
    }
  }

  private func allow(
    _ account: Account, _ verb: String, _ resource: String, _ namespace: String, _ name: String?
  ) throws {
    let access = Access(verb: verb, resource: resource, namespace: namespace, name: name)
    guard account.allows(access) else { throw APIStatus.forbidden(account.user, access) }
  }

  func document(_ status: Int, _ object: JSON) throws -> Answer {
    Answer(
      status,
      [
        ("Content-Type", "application/json"), ("Audit-Id", UUID().uuidString.lowercased()),
        ("Cache-Control", "no-cache, private"),
      ], body: .bytes(Array(try object.serialized())))
  }
}

// Changing ConfigMaps.
extension KubernetesService {
  private static let patchTypes =
    "application/json-patch+json, application/merge-patch+json, "
    + "application/strategic-merge-patch+json, application/apply-patch+yaml"

  private func isDryRun(_ call: Call) throws -> Bool {
    let values = (call.query ?? "").split(separator: "&").filter { $0.hasPrefix("dryRun=") }
    guard let value = values.first else { return false }
    guard values == ["dryRun=All"] else {
      throw APIStatus.badRequest("invalid dryRun value: \(value)")
    }
    return true
  }

  private func mediaType(_ call: Call) -> String {
    (call["Content-Type"] ?? "").prefix { $0 != ";" }.lowercased()
  }

  private func parse(_ bytes: Data) throws -> JSON {
    do {
      let value = try JSON(parsing: bytes)
      guard value.members != nil else { throw APIStatus.badRequest("the body is no JSON object") }
      return value
    } catch let error as APIStatus {
      throw error
    } catch {
      throw APIStatus.badRequest("error decoding the body: \(error)")
    }
  }

  /// Merge patch only; the other kinds are refused rather than half done.
  private func patch(_ call: Call, _ bytes: Data, _ namespace: String, _ name: String) throws
    -> Answer
  {
    guard mediaType(call) == "application/merge-patch+json" else {
      throw APIStatus.unsupportedMediaType(Self.patchTypes)
    }
    let patch = try parse(bytes)
    let object = try objects.change(
      "configmaps", namespace, name, isDryRun: isDryRun(call)
    ) { old in
      guard let old else { throw APIStatus.notFound("configmaps", name) }
      var new = old.merged(with: patch)
      guard new["metadata"]?["name"]?.text == name, new["kind"] == old["kind"],
        new["apiVersion"] == old["apiVersion"], new["metadata"]?["namespace"]?.text == namespace
      else {
        throw APIStatus.badRequest(
          "the name, namespace or kind of the object does not match the one on the URL (\(name))")
      }
      guard new["metadata"]?["resourceVersion"] == old["metadata"]?["resourceVersion"] else {
        throw APIStatus.conflict("configmaps", name)
      }
      try ConfigMapRules.check(new, name: name, replacing: old)
      if new["data"] == .object([:]) && old["data"] == nil { new["data"] = nil }
      return new == old ? nil : new
    }
    return try document(200, object)
  }

  /// A whole ConfigMap, as POST and PUT carry it.
  private func configMap(_ call: Call, _ bytes: Data, _ namespace: String) throws -> JSON {
    guard mediaType(call) == "application/json" else {
      throw APIStatus.unsupportedMediaType("application/json")
    }
    let object = try parse(bytes)
    guard ["v1", nil].contains(object["apiVersion"]?.text),
      ["ConfigMap", nil].contains(object["kind"]?.text)
    else { throw APIStatus.badRequest("the object provided is unrecognized") }
    guard [namespace, nil].contains(object["metadata"]?["namespace"]?.text) else {
      throw APIStatus.badRequest(
        "the namespace of the provided object does not match the namespace sent on the request")
    }
    return object
  }

  /// Puts one whole object in the place of another, but never creates. An object without a resource
  /// version replaces whatever is there.
  private func update(_ call: Call, _ bytes: Data, _ namespace: String, _ name: String) throws
    -> Answer
  {
    let replacement = try configMap(call, bytes, namespace)
    let ownName = replacement["metadata"]?["name"]?.text ?? ""
    guard ownName == name else {
      throw APIStatus.badRequest(
        "the name of the object (\(ownName)) does not match the name on the URL (\(name))")
    }
    let object = try objects.change(
      "configmaps", namespace, name, isDryRun: isDryRun(call)
    ) { old in
      guard let old else { throw APIStatus.notFound("configmaps", name) }
      var new = replacement
      var metadata = new["metadata"] ?? .object([:])
      for field in ["resourceVersion", "uid"] {
        guard [nil, .string(""), old["metadata"]?[field]].contains(metadata[field]) else {
          throw APIStatus.conflict("configmaps", name)
        }
      }
      // Only the server sets these.
      for field in ["resourceVersion", "uid", "namespace", "creationTimestamp"] {
        metadata[field] = old["metadata"]?[field]
      }
      new["metadata"] = metadata
      new["apiVersion"] = .string("v1")
      new["kind"] = .string("ConfigMap")
      try ConfigMapRules.check(new, name: name, replacing: old)
      return new == old ? nil : new
    }
    return try document(200, object)
  }

  /// The options that hold a deletion up are refused rather than passed over; no ConfigMap here has
  /// anything that depends on it, so the propagation policy has no effect.
  private func delete(_ call: Call, _ bytes: Data, _ namespace: String, _ name: String) throws
    -> Answer
  {
    let options = try bytes.isEmpty ? JSON.object([:]) : parse(bytes)
    for field in ["preconditions", "orphanDependents", "dryRun"] where options[field] != nil {
      throw APIStatus.badRequest("the sandbox does not delete with \(field)")
    }
    guard try !isDryRun(call) else {
      throw APIStatus.badRequest("the sandbox does not delete with dryRun")
    }
    guard let object = try objects.remove("configmaps", namespace, name) else {
      throw APIStatus.notFound("configmaps", name)
    }
    let details = JSON.object([
      "name": .string(name), "kind": .string("configmaps"),
      "uid": object["metadata"]?["uid"] ?? .null,
    ])
    return try document(
      200,
      .object([
        "kind": .string("Status"), "apiVersion": .string("v1"), "metadata": .object([:]),
        "status": .string("Success"), "details": details,
      ]))
  }

  private func create(_ call: Call, _ bytes: Data, _ namespace: String) throws -> Answer {
    var object = try configMap(call, bytes, namespace)
    let name = object["metadata"]?["name"]?.text ?? ""
    guard ConfigMapRules.isObjectName(name) else {
      throw APIStatus.invalid(
        "ConfigMap", name,
        [
          .init(
            reason: name.isEmpty ? "FieldValueRequired" : "FieldValueInvalid",
            message: name.isEmpty
              ? "Required value: name or generateName is required"
              : "Invalid value: \"\(name)\": a lowercase RFC 1123 subdomain must consist of lower "
                + "case alphanumeric characters, '-' or '.'",
            field: "metadata.name")
        ])
    }
    guard objects.hasNamespace(namespace) else { throw APIStatus.notFound("namespaces", namespace) }
    let made = try objects.change("configmaps", namespace, name, isDryRun: isDryRun(call)) { old in
      guard old == nil else { throw APIStatus.alreadyExists("configmaps", name) }
      try ConfigMapRules.check(object, name: name, replacing: nil)
      var metadata = object["metadata"] ?? .object([:])
      metadata["namespace"] = .string(namespace)
      metadata["uid"] = .string(UUID().uuidString.lowercased())
      metadata["creationTimestamp"] = .string(Timestamp.nowInSeconds)
      object["metadata"] = metadata
      object["apiVersion"] = .string("v1")
      object["kind"] = .string("ConfigMap")
      return object
    }
    return try document(201, made)
  }
}

// The review: may I do this?
extension KubernetesService {
  private func reviewAccess(_ bytes: Data, _ account: Account) throws -> Answer {
    var review = try parse(bytes)
    guard let wanted = review["spec"]?["resourceAttributes"] else {
      throw APIStatus.badRequest("spec.resourceAttributes is what the sandbox can review")
    }
    let access = Access(
      verb: wanted["verb"]?.text ?? "", resource: wanted["resource"]?.text ?? "",
      namespace: wanted["namespace"]?.text ?? "",
      name: wanted["name"]?.text.flatMap { $0.isEmpty ? nil : $0 })
    let isAllowed = (wanted["group"]?.text ?? "").isEmpty && account.allows(access)
    review["apiVersion"] = .string("authorization.k8s.io/v1")
    review["kind"] = .string("SelfSubjectAccessReview")
    review["status"] = .object(["allowed": .bool(isAllowed)])
    return try document(201, review)
  }
}

// Errors.
extension KubernetesService {
  func refusal(_ error: any Error, of call: Call) -> Answer {
    answer(error as? APIStatus ?? .internalError("\(error)"))
  }

  func scripted(_ fault: FaultAction, for call: Call) -> Answer {
    var status = APIStatus(
      code: fault.status ?? 500, reason: fault.code ?? "InternalError",
      message: fault.message ?? "A scripted fault.")
    status.retryAfterSeconds = fault.retryAfter.flatMap { Int($0) }
    var answer = answer(status)
    if let body = fault.body {
      answer = Answer(
        status.code, [("Content-Type", "text/html")], body: .bytes(Array(body.utf8)))
    }
    answer["Retry-After"] = fault.retryAfter
    return answer
  }

  private func answer(_ status: APIStatus) -> Answer {
    do {
      var answer = try document(status.code, status.document)
      answer.reason = status.reason
      return answer
    } catch {
      return Answer(500, body: .bytes(Array("\(error)".utf8)))
    }
  }
}
