// The way to an API server as the current context of a kubeconfig describes it.
//
// See https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/.

internal import Certificates
internal import Console
internal import HTTP

extension APIServer {
  /// Reads a kubeconfig and the files that it names. A program that it names runs when it is needed, in
  /// this environment, unless that is not allowed.
  package static func kubeconfig(
    at path: String, environment: [String: String] = [:], allowingPlugins: Bool = true
  ) throws(KubernetesError) -> APIServer {
    do throws(KubeconfigFault) {
      return try Kubeconfig(at: path).server(
        environment: environment, allowingPlugins: allowingPlugins)
    } catch {
      throw .kubeconfig(file: path, error)
    }
  }
}

/// The three entries that the current context ties together.
private struct Kubeconfig {
  let path: String
  let context: KubeconfigDocument.Section
  let cluster: KubeconfigDocument.Section
  /// `nil` where the context names no user: the server takes us for anonymous.
  let user: KubeconfigDocument.Section?

  init(at path: String) throws(KubeconfigFault) {
    self.path = path
    let text: String
    do throws(UnreadableFile) {
      let bytes = try ReadFile.read(at: path)
      guard ![[0xFF, 0xFE], [0xFE, 0xFF]].contains(Array(bytes.prefix(2))) else {
        throw UnreadableFile(reason: "it is UTF-16: save it as UTF-8")
      }
      text = String(decoding: bytes, as: UTF8.self)
    } catch {
      throw .unreadable(reason: error.reason)
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let document = try KubeconfigDocument(text, folder: folder)
    guard let current = document.currentContext else {
      throw .noCurrentContext(present: document.names(.context))
    }
    context = try document.section(.context, named: current)
    guard let clusterName = try context.text("cluster") else {
      throw .missingField(context.entry, field: "cluster")
    }
    cluster = try document.section(.cluster, named: clusterName)
    user = try context.text("user").map { name throws(KubeconfigFault) in
      try document.section(.user, named: name)
    }
  }

  func server(
    environment: [String: String], allowingPlugins: Bool
  ) throws(KubeconfigFault) -> APIServer {
    guard let text = try cluster.text("server") else {
      throw .missingField(cluster.entry, field: "server")
    }
    guard let url = try? ServerURL(text) else {
      throw cluster.malformed(
        "server", expected: "an http or https URL without user, query and fragment")
    }
    // As `kubectl proxy` offers it. Anywhere else Secrets would travel in the clear.
    if url.isReadableOnTheWay {
      throw .plainHTTP(cluster.entry)
    }

    var connection = Connection()
    connection.trust = try trust()
    connection.identity = try identity()
    connection.proxy = try proxy()
    let name = url.scheme == .https ? try serverName() : nil
    if name != nil { connection.address = url.address }

    var credentials = try credentials()
    // As to kubectl, what the kubeconfig holds itself comes before what a program prints.
    if let user, user.has("exec"), credentials == .none, connection.identity == nil {
      guard allowingPlugins else { throw .forbiddenPlugin(user.entry) }
      credentials = .plugin(
        try ExecPlugin(of: user, for: cluster, environment: environment))
    }
    return APIServer(
      url: "\(url.explicit(named: name))", connection: connection,
      credentials: credentials, warnings: warnings(about: connection))
  }

  private func warnings(about connection: Connection) -> [String] {
    var warnings: [String] = []
    if connection.trust == .anyone {
      warnings.append(
        "the API server's identity is not checked: \(cluster.entry) of the kubeconfig \(path) sets "
          + "insecure-skip-tls-verify")
    }
    if let user, let warning = connection.identity?.warning() {
      warnings.append("\(user.entry) of the kubeconfig \(path): \(warning)")
    }
    return warnings
  }

  private func trust() throws(KubeconfigFault) -> Connection.Trust {
    let authorities = try cluster.pem("certificate-authority").map {
      text throws(KubeconfigFault) in
      do throws(CertificateFault) {
        return try CertificateAuthorities(text)
      } catch {
        throw .certificate(cluster.entry, error)
      }
    }
    guard try cluster.flag("insecure-skip-tls-verify") else {
      return authorities.map { .authorities($0) } ?? .system
    }
    guard authorities == nil else { throw .verificationBothOnAndOff(cluster.entry) }
    return .anyone
  }

  /// The name that the server's certificate must be for, instead of its URL's.
  private func serverName() throws(KubeconfigFault) -> String? {
    guard let name = try cluster.text("tls-server-name") else { return nil }
    guard let url = try? ServerURL("https://\(name)"), url.host == name.lowercased() else {
      throw cluster.malformed("tls-server-name", expected: "a host name")
    }
    return name
  }

  private func proxy() throws(KubeconfigFault) -> Connection.Proxy {
    guard let url = try cluster.text("proxy-url") else { return .none }
    Secrets.registerProxy(url)
    for scheme in ["http://", "https://", "socks5h://"] where url.hasPrefix(scheme) {
      return .url(url)
    }
    // Kubernetes' own clients leave names to a SOCKS proxy; curl does so under another scheme.
    if url.hasPrefix("socks5://") { return .url("socks5h://" + url.dropFirst("socks5://".count)) }
    throw cluster.malformed("proxy-url", expected: "an http, https or socks5 URL")
  }

  private func identity() throws(KubeconfigFault) -> ClientIdentity? {
    guard let user else { return nil }
    switch (try user.pem("client-certificate"), try user.pem("client-key")) {
    case (nil, nil): return nil
    case (let certificate?, let key?):
      do throws(CertificateFault) {
        return try ClientIdentity(certificate: certificate, key: key)
      } catch {
        throw .certificate(user.entry, error)
      }
    case (_, nil): throw .halfAnIdentity(user.entry, missing: "client-key")
    case (nil, _): throw .halfAnIdentity(user.entry, missing: "client-certificate")
    }
  }

  private func credentials() throws(KubeconfigFault) -> Credentials {
    guard let user else { return .none }
    // Ignoring one of these would mean to act as another user than the kubeconfig names.
    for field in [
      "auth-provider", "username", "as", "as-uid", "as-groups", "as-user-extra",
    ]
    where user.has(field) {
      throw .unsupported(user.entry, field: field)
    }
    let token = try user.text("token").map { text throws(KubeconfigFault) in
      // Unlike a token in a file, it is not trimmed: kubectl sends it as it stands, and servers refuse it.
      guard !text.contains(where: \.isWhitespace), let token = BearerToken(text) else {
        throw user.malformed("token", expected: "one word of printable ASCII")
      }
      return token
    }
    guard let path = try user.path("tokenFile") else { return token.map { .token($0) } ?? .none }
    let file = TokenFile(path: path, fallback: token)
    do throws(UnreadableFile) {
      _ = try file.read()
    } catch {
      throw .unusableFile(user.entry, field: "tokenFile", path: path, reason: error.reason)
    }
    return .tokenFile(file)
  }
}
