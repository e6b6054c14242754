// The names under which etcd's client certificate, its key and etcd's authority are kept.

/// Of each set all three names are needed; sets are never mixed.
struct TLSNames: Equatable {
  let certificate: String
  let key: String
  let authority: String

  private init(_ certificate: String, _ key: String, _ authority: String) {
    (self.certificate, self.key, self.authority) = (certificate, key, authority)
  }

  static let ours = TLSNames("etcd-client.crt", "etcd-client.key", "etcd-client-ca.crt")

  /// The first that is there is used. A client certificate comes before a server's.
  static let known = [
    ours,
    TLSNames("tls.crt", "tls.key", "ca.crt"),  // cert-manager
    TLSNames("healthcheck-client.crt", "healthcheck-client.key", "ca.crt"),  // kubeadm
    TLSNames("server.crt", "server.key", "ca.crt"),  // kubeadm
    TLSNames("client.crt", "client.key", "server-ca.crt"),  // k3s
  ]

  /// The set to read; one of which something is missing where no set is whole.
  init(among keys: [String]) {
    let whole = Self.known.first { set in
      [set.certificate, set.key, set.authority].allSatisfy(keys.contains)
    }
    let begun = Self.known.first { keys.contains($0.certificate) || keys.contains($0.key) }
    self = whole ?? begun ?? Self.ours
  }
}
