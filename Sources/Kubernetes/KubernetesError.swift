// What can go wrong between looking for the API server and holding its answer.

package import HTTP

package enum KubernetesError: Error, Equatable {
  // The way to the API server; nothing has been contacted.

  /// Not in a pod: this environment variable is missing.
  case notInCluster(missing: String)
  case unusableServiceAddress(host: String, port: String)
  case unusableFile(path: String, role: FileRole, reason: String)
  case kubeconfig(file: String, KubeconfigFault)
  /// The kubeconfig's program gave no credential.
  case plugin(PluginFault)

  // No good answer. A message is the server's own.

  case transfer(APICall, TransferError)
  case unauthorized(APICall)
  case forbidden(APICall, message: String)
  /// The object is missing or, where it was to be created, its namespace.
  case notFound(APICall)
  case alreadyExists(APICall)
  case conflict(APICall, message: String)
  case invalid(APICall, message: String)
  /// The server is overloaded or broken.
  case unavailable(APICall, status: Int, message: String)
  case refused(APICall, status: Int, message: String)
  case unreadableAnswer(APICall)

  // A good answer with something else in it than it should have.

  case notRecorded(APICall, key: String)
  case keyMissing(String, secret: String, namespace: String, present: [String])
  case keyNotBase64(String, secret: String, namespace: String)
  case keyNotText(String, secret: String, namespace: String)
  case keyEmpty(String, secret: String, namespace: String)

  package enum FileRole: String, Sendable {
    case token = "token file"
    case certificateAuthority = "certificate authority file"
  }
}

extension KubernetesError {
  /// Reads an answer that is no success; see the table in
  /// https://kubernetes.io/docs/reference/using-api/api-concepts/#response-codes.
  init(_ code: Int, _ status: APIStatus?, to call: APICall) {
    let message: String
    if code == 422, call.resource == .secrets {
      message = "the message is left out, it may quote the Secret"
    } else {
      message = status?.shortMessage ?? Self.noReason
    }
    switch (code, status?.reason) {
    case (401, _): self = .unauthorized(call)
    case (403, _): self = .forbidden(call, message: message)
    case (404, "NotFound"): self = .notFound(call)
    case (409, "AlreadyExists"): self = .alreadyExists(call)
    case (409, _): self = .conflict(call, message: message)
    case (422, _): self = .invalid(call, message: message)
    case (408, _), (429, _), (500..., _):
      self = .unavailable(call, status: code, message: message)
    default: self = .refused(call, status: code, message: message)
    }
  }

  /// Whether the same request may well succeed a little later.
  package var isTransient: Bool {
    switch self {
    case .transfer(_, let error): error.isTransient
    case .unavailable: true
    case .plugin(let fault): fault.isTransient
    // An update is of a version that has passed for good.
    case .conflict(let call, _): call.verb != "update"
    default: false
    }
  }

  /// Whether a setting, a permission or an object must change before retrying can
  /// help.
  package var isConfiguration: Bool {
    switch self {
    case .transfer(_, let error):
      switch error.kind {
      case .refusedIdentity, .notHTTP: true
      default: error.isConfiguration
      }
    case .plugin(let fault): !fault.isTransient
    case .alreadyExists, .conflict, .unavailable, .unreadableAnswer: false
    default: true
    }
  }

  /// Why a request was given up, where the run itself is being stopped.
  package var stopReason: StopReason? {
    guard case .transfer(_, let error) = self, case .stopped(let reason) = error.kind else {
      return nil
    }
    return reason
  }
}

extension KubernetesError {
  package static let noReason = "without a reason that we understand"

  /// Whether the request is allowed as such, but what it would do is not: the status code is then
  /// chosen by the policy.
  ///
  /// See https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/.
  package static func isAdmission(_ message: String) -> Bool {
    [
      "admission webhook", "denied the request", "denied request", "exceeded quota",
      "failed quota", "being terminated",
    ].contains { message.contains($0) }
  }
}

extension KubernetesError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notInCluster(let variable):
      "no way to the Kubernetes API server: \(variable) is not set"
    case .unusableServiceAddress(let host, let port):
      "KUBERNETES_SERVICE_HOST=\(host) and KUBERNETES_SERVICE_PORT=\(port) are no address"
    case .unusableFile(let path, let role, let reason):
      "the \(role.rawValue) \(path) cannot be used: \(reason)"
    case .kubeconfig(let file, let fault):
      "kubeconfig \(file): \(fault)"
    case .plugin(let fault):
      "no credential for the API server: \(fault)"
    case .transfer(let call, let error):
      "\(call) failed: \(error)"
    case .unauthorized(let call):
      "\(call) failed: the API server does not accept our credentials (401)"
    case .forbidden(let call, let message):
      "\(call) is not allowed: \(message)"
    case .notFound(let call) where call.verb == "create":
      "\(call) failed: there is no such namespace"
    case .notFound(let call):
      "\(call) failed: there is no such object, or no such namespace"
    case .alreadyExists(let call):
      "\(call) failed: it exists already"
    case .conflict(let call, let message):
      "\(call) kept conflicting with other changes: \(message)"
    case .invalid(let call, let message):
      "\(call) was refused as invalid: \(message)"
    case .unavailable(let call, let status, let message):
      "\(call) failed: the API server answered \(status), \(message)"
    case .refused(let call, let status, let message):
      "\(call) was refused with \(status): \(message)"
    case .unreadableAnswer(let call):
      "\(call) failed: the answer is not the JSON of such an object"
    case .notRecorded(let call, let key):
      "\(call) succeeded, but the key \(key) does not hold the value that was sent"
    case .keyMissing(let key, let secret, let namespace, let present):
      "the Secret \(secret) in namespace \(namespace) has no key \(key) "
        + (present.isEmpty ? "and no other" : "but \(present.joined(separator: ", "))")
    case .keyNotBase64(let key, let secret, let namespace):
      "the key \(key) of the Secret \(secret) in namespace \(namespace) is not base64"
    case .keyNotText(let key, let secret, let namespace):
      "the key \(key) of the Secret \(secret) in namespace \(namespace) is not UTF-8 text"
    case .keyEmpty(let key, let secret, let namespace):
      "the key \(key) of the Secret \(secret) in namespace \(namespace) is empty"
    }
  }
}
