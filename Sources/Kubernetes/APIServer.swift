// The way to one Kubernetes API server: where it is, whom to trust, who we are.

package import HTTP

/// Made by `inCluster(environment:serviceAccountFolder:)` or `kubeconfig(at:)`; nothing has been
/// contacted by then.
package struct APIServer: Sendable {
  /// Scheme, host, port and, behind some proxies, a path; percent-encoded, no slash at the end.
  ///
  /// With `tls-server-name` its host is that name, and `connection.address` says where to go.
  package let url: String
  package internal(set) var connection: Connection
  /// What the log of a run should say about this way, such as that TLS is not verified.
  package let warnings: [String]
  let credentials: Credentials

  init(
    url: String, connection: Connection, credentials: Credentials, warnings: [String] = []
  ) {
    self.url = url
    self.connection = connection
    self.credentials = credentials
    self.warnings = warnings
  }
}

// A proxy's URL may hold a password, so not even the connection is shown.
extension APIServer: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { url }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: ["url": url]) }
}
