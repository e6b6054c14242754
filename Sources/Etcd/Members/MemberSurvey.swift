// Whether each member serves, asked one by one: what an operator wants to know after a restore.

/// The live keys of a store at one revision.
package struct KeyCount: Equatable, Sendable {
  package let keys: UInt64
  package let revision: UInt64
}

package enum MemberCondition: Equatable {
  /// It answered a read that goes through raft, so it has a quorum.
  case serving(version: String, KeyCount)
  /// It is there, but refuses the user: the data's own passwords hold, not today's.
  case guarded(EtcdError)
  case silent(EtcdError)

  package var serves: Bool {
    if case .silent = self { false } else { true }
  }
}

extension EtcdCluster {
  /// Asks every endpoint; throws only when told to stop.
  package func survey() throws(EtcdError) -> [(endpoint: Endpoint, condition: MemberCondition)] {
    var conditions: [(endpoint: Endpoint, condition: MemberCondition)] = []
    for endpoint in endpoints {
      conditions.append((endpoint, try condition(of: endpoint)))
    }
    return conditions
  }

  private func condition(of endpoint: Endpoint) throws(EtcdError) -> MemberCondition {
    do throws(EtcdError) {
      var answer = try probe(endpoint)
      try answer.server.signIn(as: credentials)
      return .serving(version: answer.status.version, try answer.server.count())
    } catch {
      if error.stopReason != nil { throw error }
      if error.lacksCredentials {
        return try conditionWithoutCredentials(of: endpoint) ?? .silent(error)
      }
      return error.concernsUser ? .guarded(error) : .silent(error)
    }
  }

  /// Both a sign-in and a read are refused only after they went through raft; but newer
  /// releases refuse a status at once, so the read must be asked for all the same.
  private func conditionWithoutCredentials(
    of endpoint: Endpoint
  ) throws(EtcdError) -> MemberCondition? {
    for server in servers(at: endpoint) {
      do throws(EtcdError) {
        _ = try server.count()
      } catch {
        if error.stopReason != nil { throw error }
        if error.concernsUser { return .guarded(error) }
        if error.isQuorumLoss || error.isSlowAnswer { return .silent(error) }
      }
    }
    return nil
  }
}
