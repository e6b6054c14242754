// The Kubernetes API's way of saying no: a Status object.

import Foundation

/// A refused request.
struct APIStatus: Error, Sendable {
  struct Cause: Sendable {
    let reason: String
    let message: String
    let field: String
  }

  let code: Int
  let reason: String
  let message: String
  var name: String?
  var kind: String?
  var causes: [Cause] = []
  var retryAfterSeconds: Int?

  var document: JSON {
    var details: [String: JSON] = [:]
    details["name"] = name.map { .string($0) }
    details["kind"] = kind.map { .string($0) }
    details["retryAfterSeconds"] = retryAfterSeconds.map { .integer($0) }
    if !causes.isEmpty {
      details["causes"] = .array(
        causes.map { cause in
          .object([
            "reason": .string(cause.reason), "message": .string(cause.message),
            "field": .string(cause.field),
          ])
        })
    }
    var members: [String: JSON] = [
      "kind": .string("Status"), "apiVersion": .string("v1"), "metadata": .object([:]),
      "status": .string("Failure"), "message": .string(message), "reason": .string(reason),
      "code": .integer(code),
    ]
    if !details.isEmpty { members["details"] = .object(details) }
    return .object(members)
  }
}

extension APIStatus {
  static let unauthorized = APIStatus(code: 401, reason: "Unauthorized", message: "Unauthorized")

  static func forbidden(_ user: String, _ access: Access) -> APIStatus {
    let quotedName = access.name.map { " \"\($0)\"" } ?? ""
    return APIStatus(
      code: 403, reason: "Forbidden",
      message: "\(access.resource)\(quotedName) is forbidden: User \"\(user)\" cannot "
        + "\(access.verb) resource \"\(access.resource)\" in API group \"\" "
        + "in the namespace \"\(access.namespace)\"",
      name: access.name, kind: access.resource)
  }

  static func notFound(_ resource: String, _ name: String) -> APIStatus {
    APIStatus(
      code: 404, reason: "NotFound", message: "\(resource) \"\(name)\" not found", name: name,
      kind: resource)
  }

  /// An unknown path.
  static let noSuchPath = APIStatus(
    code: 404, reason: "NotFound", message: "the server could not find the requested resource")

  static func alreadyExists(_ resource: String, _ name: String) -> APIStatus {
    APIStatus(
      code: 409, reason: "AlreadyExists", message: "\(resource) \"\(name)\" already exists",
      name: name, kind: resource)
  }

  static func conflict(_ resource: String, _ name: String) -> APIStatus {
    APIStatus(
      code: 409, reason: "Conflict",
      message: "Operation cannot be fulfilled on \(resource) \"\(name)\": the object has been "
        + "modified; please apply your changes to the latest version and try again",
      name: name, kind: resource)
  }

  static func invalid(_ kind: String, _ name: String, _ causes: [Cause]) -> APIStatus {
    let list = causes.map { "\($0.field): \($0.message)" }.joined(separator: ", ")
    return APIStatus(
      code: 422, reason: "Invalid", message: "\(kind) \"\(name)\" is invalid: \(list)", name: name,
      kind: kind, causes: causes)
  }

  static func badRequest(_ message: String) -> APIStatus {
    APIStatus(code: 400, reason: "BadRequest", message: message)
  }

  static func unsupportedMediaType(_ accepted: String) -> APIStatus {
    APIStatus(
      code: 415, reason: "UnsupportedMediaType",
      message: "the body of the request was in an unknown format - accepted media types include: "
        + accepted)
  }

  static func methodNotAllowed() -> APIStatus {
    APIStatus(
      code: 405, reason: "MethodNotAllowed",
      message: "the server does not allow this method on the requested resource")
  }

  static func tooLarge() -> APIStatus {
    APIStatus(
      code: 413, reason: "RequestEntityTooLarge",
      message: "Request entity too large: limit is 3145728")
  }

  static func internalError(_ message: String) -> APIStatus {
    APIStatus(
      code: 500, reason: "InternalError", message: "Internal error occurred: \(message)")
  }
}
