// What to do where the Kubernetes API did not do what it was asked.

internal import Certificates
internal import HTTP
package import Kubernetes

extension KubernetesError {
  /// `nil` where only another attempt helps.
  package var hint: String? {
    switch self {
    case .notInCluster:
      "Name a kubeconfig in APP_KUBECONFIG_PATH where this runs outside a cluster."
    case .unusableServiceAddress:
      "Does the pod's specification override them? Kubernetes sets both in every pod."
    case .unusableFile(_, .token, _):
      "Does the pod mount its service account's token (automountServiceAccountToken)?"
    case .unusableFile(_, .certificateAuthority, _):
      "Does the pod mount its service account, and the ConfigMap kube-root-ca.crt with it?"
    case .kubeconfig(_, let fault):
      fault.hint
    case .plugin(let fault):
      fault.hint
    case .transfer(_, let error):
      error.hint
    case .unauthorized:
      "Has the token or client certificate expired, or is it for another cluster?"
    case .forbidden(_, let message) where Self.isAdmission(message),
      .invalid(_, let message) where Self.isAdmission(message),
      .refused(_, _, let message) where Self.isAdmission(message):
      Self.hint(admission: message)
    case .forbidden(let call, _) where call.verb == "create" && call.name != nil:
      "Create the ConfigMap beforehand, or allow create on \(call.resource.rawValue) in a rule "
        + "without resourceNames: a rule with names cannot allow it."
    case .forbidden(let call, _):
      "Allow \(call.verb) on \(call.object) in a Role of this namespace, bound to our service "
        + "account or user."
    case .notFound(let call):
      "Compare with: kubectl -n \(call.namespace) get \(call.resource.rawValue)"
    case .invalid(_, let message) where !message.contains("immutable"): nil
    case .invalid:
      "Replace the ConfigMap by one without `immutable: true`."
    case .unavailable, .conflict, .alreadyExists:
      nil
    case .refused(_, _, let message) where message != Self.noReason: nil
    case .refused, .unreadableAnswer:
      "Is this the address of a Kubernetes API server, or of a proxy in front of it?"
    case .notRecorded:
      "Does an admission webhook change this ConfigMap?"
    case .keyMissing(let key, _, _, _):
      "Add the key \(key), or name another Secret."
    case .keyNotBase64, .keyNotText, .keyEmpty:
      "Write the value with: kubectl create secret generic NAME --from-literal or --from-file"
    }
  }

  private static func hint(admission message: String) -> String {
    if message.contains("quota") { return "Raise the quota of this namespace, or free some of it." }
    if message.contains("being terminated") {
      return
        "Wait until the namespace, which is being deleted, is gone. Then install this program again."
    }
    return "Change the admission webhook or policy that the message names, or exempt this object "
      + "from it."
  }
}

extension KubeconfigFault {
  package var hint: String? {
    switch self {
    case .unreadable: "Does APP_KUBECONFIG_PATH name the file?"
    case .notYAML: "Does `kubectl --kubeconfig FILE config view` accept it?"
    case .noCurrentContext(let present):
      "Set it with `kubectl config use-context`. There \(Self.list(present))."
    case .noSuchEntry(_, let present): "Is the name spelled right? There \(Self.list(present))."
    case .malformed("apiVersion", _), .malformed("kind", _):
      "Does APP_KUBECONFIG_PATH name a kubeconfig?"
    case .twice: "Rename or remove one of them."
    case .both: "Remove one of the two."
    case .missingField(_, let field) where field.hasPrefix("exec."),
      .malformedField(_, let field, _) where field.hasPrefix("exec."):
      "Correct it, or let the tool that the plugin is of write the kubeconfig again."
    case .malformed, .missingField, .malformedField: nil
    case .unusableFile:
      "Correct the path, which counts from the kubeconfig's folder, or put the contents into the "
        + "kubeconfig itself: `kubectl config view --flatten`."
    case .certificate(_, let fault): fault.hint
    case .halfAnIdentity:
      "Add it: a client certificate and its key belong together, both as files or both as data."
    case .verificationBothOnAndOff: "Remove insecure-skip-tls-verify: the authority is safer."
    case .plainHTTP: "Give the server an https URL: Secrets would cross the network in clear text."
    case .forbiddenPlugin:
      "Set APP_KUBECONFIG_EXEC=on if the kubeconfig may start programs, or give it a token or a client "
        + "certificate."
    case .interactivePlugin:
      "Set interactiveMode to IfAvailable if it works without questions, or use a token or a client "
        + "certificate."
    case .unsupported(_, "auth-provider"):
      "Use a token, such as a service account's, or a client certificate."
    case .unsupported(_, "username"):
      "Use a token or a client certificate: API servers dropped passwords in 1.19."
    case .unsupported: "Use a user that has the permissions itself."
    }
  }

  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "is none" : "is \(names.joined(separator: ", "))"
  }
}
