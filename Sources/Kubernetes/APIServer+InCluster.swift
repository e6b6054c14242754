// The way to the API server of the cluster in which this pod runs.
//
// See https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/.

internal import Certificates
internal import HTTP

extension APIServer {
  /// Where Kubernetes mounts the service account's token and CA.
  package static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

  /// Reads what Kubernetes gives every pod: two variables and the service account's files.
  ///
  /// A missing CA is an error: without it the server cannot be verified.
  package static func inCluster(
    environment: [String: String],
    serviceAccountFolder folder: String = serviceAccountFolder
  ) throws(KubernetesError) -> APIServer {
    let host = try variable("KUBERNETES_SERVICE_HOST", in: environment)
    let port = try variable("KUBERNETES_SERVICE_PORT", in: environment)
    let isBareIPv6 = host.contains(":") && !host.hasPrefix("[")
    let text = "https://\(isBareIPv6 ? "[\(host)]" : host):\(port)"
    guard let url = try? ServerURL(text), url.description == text.lowercased() else {
      throw .unusableServiceAddress(host: host, port: port)
    }

    let authorities = try usable("\(folder)/ca.crt", as: .certificateAuthority) {
      path throws(UnreadableFile) in
      let text = PEMText(try ReadFile.read(at: path), named: path)
      do throws(CertificateFault) {
        return try CertificateAuthorities(text)
      } catch {
        throw UnreadableFile(reason: "it \(error.problem)")
      }
    }
    let token = TokenFile(path: "\(folder)/token", fallback: nil)
    // Read here as well, so that a pod without a token is told so before anything is contacted.
    _ = try usable(token.path, as: .token) { _ throws(UnreadableFile) in try token.read() }

    var connection = Connection()
    connection.trust = .authorities(authorities)
    return APIServer(url: url.description, connection: connection, credentials: .tokenFile(token))
  }

  private static func variable(
    _ name: String, in environment: [String: String]
  ) throws(KubernetesError) -> String {
    guard let value = environment[name], !value.isEmpty else { throw .notInCluster(missing: name) }
    return value
  }

  private static func usable<Content>(
    _ path: String, as role: KubernetesError.FileRole,
    _ read: (String) throws(UnreadableFile) -> Content
  ) throws(KubernetesError) -> Content {
    do throws(UnreadableFile) {
      return try read(path)
    } catch {
      throw .unusableFile(path: path, role: role, reason: error.reason)
    }
  }
}
