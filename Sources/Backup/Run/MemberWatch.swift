// Waits until every member of a cluster serves: the last step of a restore.

internal import Etcd
internal import Glibc
internal import HTTP

package struct MemberWatch {
  private let configuration: Configuration
  private let environment: [String: String]
  private let patience: Patience
  private let say: (String) -> Void

  /// `say` gets one line whenever what is known of an endpoint changes.
  package init(
    _ configuration: Configuration, environment: [String: String], patience: Patience,
    say: @escaping (String) -> Void
  ) {
    self.configuration = configuration
    self.environment = environment
    self.patience = patience
    self.say = say
  }

  package enum Outcome {
    case everyMemberServes
    /// Every member was asked until the time was over, and none served: no client can have written.
    case noMemberServed
    /// Some member served at some time, or no member could be contacted.
    case uncertain
  }

  /// What was seen before patience ended.
  package func run() throws -> Outcome {
    let transport = Transport { patience.stopReason }
    let etcd = try Access(configuration, environment: environment, transport: transport).etcd
    var known: [String: String] = [:]
    var noneServed: Bool?
    while patience.stopReason == nil {
      guard let conditions = try? etcd.survey() else { break }  // told to stop
      noneServed = noneServed != false && !conditions.contains { $0.condition.serves }
      for (endpoint, condition) in conditions {
        let line = "\(endpoint) \(condition.line)"
        if known.updateValue(line, forKey: "\(endpoint)") != line { say(line) }
      }
      if conditions.allSatisfy(\.condition.serves) { return .everyMemberServes }
      usleep(500_000)
    }
    return noneServed == true && patience.stopReason == .deadline ? .noMemberServed : .uncertain
  }
}

extension MemberCondition {
  fileprivate var line: String {
    switch self {
    case .serving(let version, let count):
      "serves: etcd \(version), revision \(count.revision), \(count.keys) keys"
    case .guarded(let error) where error.lacksCredentials:
      "serves, but wants a user: \(error). Set APP_BACKUP_ETCD_CREDENTIALS_SECRET."
    case .guarded(let error):
      "serves, but refuses the user: \(error). It wants the passwords of the time of the backup."
    case .silent(let error): "does not serve: \(error)"
    }
  }
}
