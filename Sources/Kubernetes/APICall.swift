// One thing asked of the API server, in the words of its access rules: a verb on a resource.

internal import HTTP

package struct APICall: Sendable, Hashable {
  package enum Resource: String, Sendable {
    case secrets
    case configMaps = "configmaps"
    case accessReviews = "selfsubjectaccessreviews"

    /// The API group; the oldest one has no name.
    var group: String {
      switch self {
      case .secrets, .configMaps: ""
      case .accessReviews: "authorization.k8s.io"
      }
    }
  }

  /// As RBAC calls it: `get`, `create`, `patch`, `update`.
  package let verb: String
  package let resource: Resource
  package let namespace: String
  /// `nil`: any, or none, as with a question about access.
  package let name: String?

  package init(_ verb: String, _ resource: Resource, named name: String?, in namespace: String) {
    self.verb = verb
    self.resource = resource
    self.namespace = namespace
    self.name = name
  }

  /// The resource's path below the server's URL.
  var path: String {
    switch resource {
    case .accessReviews:
      return "/apis/\(resource.group)/v1/\(resource.rawValue)"
    case .secrets, .configMaps:
      let collection =
        "/api/v1/namespaces/\(PercentEncoding.encode(namespace))/\(resource.rawValue)"
      // What does not exist yet has its name in the body only.
      guard let name, verb != "create" else { return collection }
      return "\(collection)/\(PercentEncoding.encode(name))"
    }
  }
}

extension APICall: CustomStringConvertible {
  package var description: String { "\(verb) \(object) in namespace \(namespace)" }

  /// As kubectl writes it: `configmaps/name`.
  package var object: String { name.map { "\(resource.rawValue)/\($0)" } ?? resource.rawValue }
}
