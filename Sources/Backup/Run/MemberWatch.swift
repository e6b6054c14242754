// Waits until every member of a cluster serves: the last step of a restore.

internal import Etcd
internal import Glibc
internal import HTTP

package struct MemberWatch {
  private let configuration: Configuration
  private let environment: [String: String]
  private let deadline: RunDeadline
  private let say: (String) -> Void

  /// `say` gets one line whenever what is known of an endpoint changes.
  package init(
    _ configuration: Configuration, environment: [String: String], deadline: RunDeadline,
    say: @escaping (String) -> Void
  ) {
    self.configuration = configuration
    self.environment = environment
    self.deadline = deadline
    self.say = say
  }

  package enum Outcome {
    case everyMemberServes
    /// Every member was asked until the time was over, and none served: no client can have written.
    case noMemberServed
    /// Some member served at some time, or no member could be contacted.
    case uncertain
  }

  /// What was seen before the deadline.
  package func run() throws -> Outcome {
    let transport = Transport { deadline.stopReason }
    let etcd = try RunClients(configuration, environment: environment, transport: transport).etcd
    var known: [String: String] = [:]
    var noneServed: Bool?
    while deadline.stopReason == nil {
      guard let members = try? etcd.survey() else { break }  // told to stop
      noneServed = noneServed != false && !members.contains { $0.health.serves }
      for (endpoint, health) in members {
        let line = "\(endpoint) \(health.line)"
        if known.updateValue(line, forKey: "\(endpoint)") != line { say(line) }
      }
      if members.allSatisfy(\.health.serves) { return .everyMemberServes }
      usleep(500_000)
    }
    return noneServed == true && deadline.stopReason == .deadline ? .noMemberServed : .uncertain
  }
}

extension MemberHealth {
  fileprivate var line: String {
    switch self {
    case .serving(let version, let count):
      "serves: etcd \(version), revision \(count.revision), \(count.keys) keys"
    case .unauthorized(let error) where error.lacksCredentials:
      "serves, but wants a user: \(error). Set APP_BACKUP_ETCD_CREDENTIALS_SECRET."
    case .unauthorized(let error):
      "serves, but refuses the user: \(error). It wants the passwords of the time of the backup."
    case .unreachable(let error): "does not serve: \(error)"
    }
  }
}
