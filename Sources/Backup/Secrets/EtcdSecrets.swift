// What opens etcd: whom to trust, who we are, and a user's password.

internal import Certificates
internal import Etcd
internal import HTTP
internal import Kubernetes

struct EtcdSecrets {
  let connection: Connection
  let credentials: Etcd.Credentials?
  /// What a log should mention, such as a certificate that expires soon.
  let warnings: [String]

  init(_ configuration: Configuration, in cluster: Cluster?) throws {
    var connection = Connection()
    connection.timeouts.connect = .seconds(8)
    var warnings: [String] = []
    if let place = configuration.tlsPlace {
      let values = try SecretValues(place, in: cluster)
      let names = TLSNames(among: try values.keys())
      do {
        connection.trust = .authorities(
          try CertificateAuthorities(Self.text(names.authority, of: values)))
        let identity = try ClientIdentity(
          certificate: Self.text(names.certificate, of: values),
          key: Self.text(names.key, of: values))
        connection.identity = identity
        warnings = identity.warning().map { ["\(values): \($0)"] } ?? []
      } catch let fault as CertificateFault {
        throw SecretError.certificate(place: "\(values)", fault)
      }
    }
    credentials = try configuration.credentialsPlace.map { place in
      let values = try SecretValues(place, in: cluster)
      return Etcd.Credentials(
        username: try values.text("username"), password: try values.text("password"))
    }
    self.connection = connection
    self.warnings = warnings
  }

  private static func text(_ key: String, of values: SecretValues) throws -> PEMText {
    PEMText(try values.bytes(key), named: key)
  }
}
