// What goes over the wire, as the API server spells it: the JSON of requests and responses.

internal import Console
internal import FoundationEssentials
internal import HTTP

enum JSON {
  /// Keys in order, so that a request is the same in every run; slashes as they are, because some
  /// of the server's readers take YAML, which knows no `\/`.
  static func encode(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return Array(try encoder.encode(value))
    } catch {
      preconditionFailure("what we send can always be written as JSON: \(error)")
    }
  }

  static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) -> Value? {
    try? JSONDecoder().decode(type, from: Data(bytes))
  }
}

/// What we read of a Secret or a ConfigMap, and all that a merge patch of one needs.
struct DataObject: Codable {
  let data: [String: String]?
}

struct NewConfigMap: Encodable {
  struct Metadata: Encodable {
    let name: String
  }

  let apiVersion = "v1"
  let kind = "ConfigMap"
  let metadata: Metadata
  let data: [String: String]

  init(name: String, data: [String: String]) {
    metadata = Metadata(name: name)
    self.data = data
  }
}

/// The question whether something is allowed, put to the server itself.
///
/// See https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access.
struct AccessReview: Encodable {
  struct Spec: Encodable {
    let resourceAttributes: Attributes
  }

  struct Attributes: Encodable {
    let namespace: String
    let verb: String
    let group: String
    let resource: String
    let name: String?
  }

  struct Response: Decodable {
    struct Status: Decodable {
      let allowed: Bool
    }

    let status: Status
  }

  let apiVersion = "authorization.k8s.io/v1"
  let kind = "SelfSubjectAccessReview"
  let spec: Spec

  init(of call: APICall) {
    spec = Spec(
      resourceAttributes: Attributes(
        namespace: call.namespace, verb: call.verb, group: call.resource.group,
        resource: call.resource.rawValue, name: call.name))
  }
}

/// The server's own account of a failure.
///
/// See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/.
struct APIStatus: Decodable {
  struct Details: Decodable {
    let retryAfterSeconds: Int?
  }

  let kind: String
  let message: String?
  /// One word to branch on, such as `NotFound`.
  let reason: String?
  let details: Details?

  /// `nil` where something else than an API server has answered, such as a proxy.
  init?(_ response: Response) {
    guard let status = JSON.decode(APIStatus.self, from: response.body), status.kind == "Status"
    else { return nil }
    self = status
  }

  var retryAfter: Duration? {
    guard let seconds = details?.retryAfterSeconds, seconds > 0 else { return nil }
    return .seconds(seconds)
  }

  /// What a log can take of the message: one line, cut off at 500 characters.
  var shortMessage: String? {
    guard let message, !message.isEmpty else { return nil }
    // Before anything is cut: half a secret would not be recognised.
    let whole = Secrets.redact(message)
    let line = String(whole.prefix(500).map { $0.isNewline ? " " : $0 })
    return line.count < whole.count ? line + "…" : line
  }
}
