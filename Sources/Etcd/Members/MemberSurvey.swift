// Whether each member serves, asked one by one: what an operator wants to know after a restore.

/// The live keys of a store at one revision.
package struct KeyCount: Equatable, Sendable {
  package let keys: UInt64
  package let revision: UInt64
}

package enum MemberHealth: Equatable {
  /// It answered a read that goes through raft, so it has a quorum.
  case serving(version: String, KeyCount)
  /// It is there, but refuses the user: the data's own passwords hold, not today's.
  case unauthorized(EtcdError)
  /// It does not answer, or only that it has no quorum.
  case unreachable(EtcdError)

  package var serves: Bool {
    if case .unreachable = self { false } else { true }
  }
}

extension EtcdCluster {
  /// Asks every endpoint; throws only when told to stop.
  package func survey() throws(EtcdError) -> [(endpoint: Endpoint, health: MemberHealth)] {
    var members: [(endpoint: Endpoint, health: MemberHealth)] = []
    for endpoint in endpoints {
      members.append((endpoint, try health(of: endpoint)))
    }
    return members
  }

  private func health(of endpoint: Endpoint) throws(EtcdError) -> MemberHealth {
    do throws(EtcdError) {
      var candidate = try probe(endpoint)
      try candidate.server.signIn(as: credentials)
      return .serving(version: candidate.status.version, try candidate.server.count())
    } catch {
      if error.stopReason != nil { throw error }
      if error.lacksCredentials {
        return try healthWithoutCredentials(of: endpoint) ?? .unreachable(error)
      }
      return error.concernsUser ? .unauthorized(error) : .unreachable(error)
    }
  }

  /// Both a sign-in and a read are refused only after they went through raft; but newer
  /// releases refuse a status at once, so the read must be asked for all the same.
  private func healthWithoutCredentials(
    of endpoint: Endpoint
  ) throws(EtcdError) -> MemberHealth? {
    for server in servers(at: endpoint) {
      do throws(EtcdError) {
        _ = try server.count()
      } catch {
        if error.stopReason != nil { throw error }
        if error.concernsUser { return .unauthorized(error) }
        if error.isQuorumLoss || error.isSlowAnswer { return .unreachable(error) }
      }
    }
    return nil
  }
}
