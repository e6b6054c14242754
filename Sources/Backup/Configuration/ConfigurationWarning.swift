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
      let nearest = known.min { distance(name, $0) < distance(name, $1) }
      let isNear = nearest.map { distance(name, $0) <= max(3, $0.utf8.count / 4) } ?? false
      return ConfigurationWarning(
        variable: name, text: "\(name) is no variable of this program, so it has no effect",
        hint: isNear && nearest != nil
          ? "Rename it to \(nearest ?? ""), or remove it." : "Remove it, or see etcd-backup --help."
      )
    }
  }

  /// Levenshtein's distance: how many letters must be inserted, removed or replaced.
  private static func distance(_ one: String, _ other: String) -> Int {
    // Whatever the environment holds, the work stays small.
    let (one, other) = (Array(one.utf8.prefix(100)), Array(other.utf8.prefix(100)))
    var previous = Array(0...other.count)
    for (row, letter) in one.enumerated() {
      var current = [row + 1]
      for column in other.indices {
        let replaced = previous[column] + (letter == other[column] ? 0 : 1)
        current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous.last ?? 0
  }

  static func plainHTTP(to url: ServiceURL?) -> [ConfigurationWarning] {
    guard let url, url.isReadableOnTheWay else { return [] }
    return [
      ConfigurationWarning(
        variable: Variable.storageEndpoint.name,
        text: "\(url) is not encrypted: the database travels readable for all on the way",
        hint: "Use https, and APP_ABS_CA_FILE for an authority of your own.")
    ]
  }

  /// Without a password plain http is no warning: then etcd itself gives the database to everybody
  /// who asks, the predecessor's defaults are like that, and a run can neither add to it nor mend it.
  /// A password is ours to keep.
  static func readablePassword(
    to endpoints: [Endpoint], with credentialsSecretName: String?
  ) -> [ConfigurationWarning] {
    guard credentialsSecretName != nil else { return [] }
    let readable = endpoints.filter { endpoint in
      endpoint.scheme == .http && !Loopback.isLoopback(hostAndPort: endpoint.host)
    }
    guard let first = readable.first else { return [] }
    return [
      ConfigurationWarning(
        variable: Variable.endpoints.name,
        text: "\(first) is not encrypted: the password of etcd's user travels readable for all on "
          + "the way",
        hint: "Use https, and APP_BACKUP_CLIENT_TLS_SECRET.")
    ]
  }
}
