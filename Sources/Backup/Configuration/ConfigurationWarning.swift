// A setting that works, but is probably not meant, or that is none.

internal import Azure
internal import Etcd
internal import HTTP

package struct ConfigurationWarning: Equatable, Sendable {
  package let variable: String
  /// What is unusual about it; no value of an unknown variable.
  package let text: String
  package let hint: String
}

extension ConfigurationWarning {
  /// Variables that look like ours but are none: what they were meant to set is not set.
  ///
  /// Kubernetes adds such variables for every Service in the namespace whose name begins with
  /// `app-`, unless the pod says `enableServiceLinks: false`; these are left out.
  package static func unknownVariables(in environment: [String: String]) -> [ConfigurationWarning] {
    let known = Variable.all.map(\.name)
    let services = environment.keys.compactMap { name in
      name.hasSuffix("_SERVICE_HOST") ? String(name.dropLast("SERVICE_HOST".count)) : nil
    }
    let unknown = environment.keys.filter { name in
      name.hasPrefix("APP_") && !known.contains(name)
        && !services.contains { service in
          name.hasPrefix(service + "SERVICE_") || name.hasPrefix(service + "PORT_")
            || name == service + "PORT"
        }
    }
    return unknown.sorted().map { name in
      return ConfigurationWarning(
        variable: name, text: "\(name) is no variable of this program, so it has no effect",
        hint: Spelling.nearest(to: name, among: known).map { "Rename it to \($0), or remove it." }
          ?? "Remove it, or see etcd-backup --help.")
    }
  }

  static func plainHTTP(to url: ServerURL?) -> [ConfigurationWarning] {
    guard let url, url.isReadableOnTheWay else { return [] }
    return [
      ConfigurationWarning(
        variable: Variable.storageEndpoint.name,
        text: "\(url) is not encrypted: the database travels readable for all on the way",
        hint: "Use https, and APP_ABS_CA_FILE for an authority of your own.")
    ]
  }

  /// What encodes the backup takes memory that blocks would have.
  static func fewerBlocks(
    than wanted: Int, inFlight: Int, of blockSize: Int
  ) -> [ConfigurationWarning] {
    guard inFlight < wanted else { return [] }
    return [
      ConfigurationWarning(
        variable: Variable.blocksInFlight.name,
        text:
          "\(Variable.blocksInFlight.name) is \(wanted), but beside encryption and compression there is "
          + "memory for \(inFlight) blocks of \(ByteCount.describe(UInt64(blockSize)))",
        hint: "Set it to \(inFlight), or choose a smaller \(Variable.blockSize.name).")
    ]
  }

  /// An identity is for whoever restores. Where runs have one, what opens the backups is beside what
  /// they are of.
  static func identities(_ place: SecretPlace?) -> [ConfigurationWarning] {
    guard let place else { return [] }
    let variable: Variable = if case .folder = place { .identityFolder } else { .identitySecret }
    return [
      ConfigurationWarning(
        variable: variable.name,
        text:
          "\(variable.name) gives a run the identity of its own backups, which it does not need",
        hint: "Remove it from the runs, and keep the identity outside the cluster.")
    ]
  }

  /// Without a password plain http is no warning: then etcd itself gives the database to everybody
  /// who asks, the predecessor's defaults are like that, and a run can neither add to it nor mend it.
  /// A password is ours to keep.
  static func readablePassword(
    to endpoints: [Endpoint], with credentialsPlace: SecretPlace?
  ) -> [ConfigurationWarning] {
    guard credentialsPlace != nil else { return [] }
    let readable = endpoints.filter { endpoint in
      endpoint.scheme == .http && !Loopback.isLoopback(hostAndPort: endpoint.host)
    }
    guard let first = readable.first else { return [] }
    return [
      ConfigurationWarning(
        variable: Variable.endpoints.name,
        text: "\(first) is not encrypted: the password of etcd's user travels readable for all on "
          + "the way",
        hint: "Use https, and APP_BACKUP_CLIENT_TLS_SECRET or APP_BACKUP_CLIENT_TLS_DIRECTORY.")
    ]
  }
}
