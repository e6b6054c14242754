/// The etcd cluster behind a list of endpoints: picks the member to back up and opens its snapshot.

package import HTTP

package struct EtcdCluster {
  private let endpoints: [Endpoint]
  private let credentials: Credentials?
  private let transport: Transport
  private let connection: Connection

  package init(
    endpoints: [Endpoint], credentials: Credentials?, transport: Transport, connection: Connection
  ) {
    self.endpoints = endpoints
    self.credentials = credentials
    self.transport = transport
    self.connection = connection
  }

  /// Asks every endpoint for its status and settles on the most up-to-date member that a
  /// linearizable read shows to be in step with its cluster.
  ///
  /// Endpoints that fail are tolerated and reported in the result as long as one is left. Without
  /// quorum no member can be shown to be in step: then the best there is, and `revision` is `nil`.
  package func chooseMember() throws(EtcdError) -> ChosenMember {
    var failures: [EtcdError] = []
    var gateways: [Endpoint: Gateway] = [:]
    var statuses: [MemberStatus] = []
    for endpoint in endpoints {
      var gateway = Gateway(at: endpoint, transport: transport, connection: connection)
      do throws(EtcdError) {
        statuses.append(try gateway.probe(signingInAs: credentials))
        gateways[endpoint] = gateway
      } catch {
        if error.stopReason != nil { throw error }
        failures.append(error)
      }
    }
    guard !statuses.isEmpty else {
      throw failures.count == 1 ? failures[0] : .noUsableEndpoint(failures)
    }

    let ranked = try MemberChoice.ranked(statuses)
    var lastOfCluster: ChosenMember?
    for status in ranked {
      guard var gateway = gateways[status.endpoint] else { continue }
      do throws(EtcdError) {
        try gateway.signIn(as: credentials)
        let revision = try gateway.linearizableRevision()
        return ChosenMember(status, revision: revision, gateway: gateway, failures: failures)
      } catch  where error.isQuorumLoss || error.isSlowAnswer {
        failures.append(error)
        lastOfCluster =
          lastOfCluster
          ?? ChosenMember(status, revision: nil, gateway: gateway, failures: failures)
      } catch {
        // A member that is gone again; but what it refuses, all others would refuse as well.
        guard case .unreachable = error, error.stopReason == nil else { throw error }
        failures.append(error)
      }
    }
    guard var chosen = lastOfCluster else { throw .noUsableEndpoint(failures) }
    chosen.failures = failures
    return chosen
  }
}

/// The member to be backed up, and what is known of it.
package struct ChosenMember {
  package let status: MemberStatus
  /// What a linearizable read returned before the snapshot was asked for: every write
  /// acknowledged until then is in it. `nil` without quorum.
  package let revision: UInt64?
  /// What went wrong with other endpoints, or with this one's quorum, on the way.
  package fileprivate(set) var failures: [EtcdError]
  private let gateway: Gateway

  fileprivate init(
    _ status: MemberStatus, revision: UInt64?, gateway: Gateway, failures: [EtcdError]
  ) {
    self.status = status
    self.revision = revision
    self.gateway = gateway
    self.failures = failures
  }

  package var hasQuorum: Bool { revision != nil }

  /// Asks this member, and no other, for its snapshot.
  package func openSnapshot() throws(EtcdError) -> Snapshot {
    let download = try gateway.openSnapshot(demandingLeader: hasQuorum)
    return Snapshot(SnapshotMessages(download, from: status.endpoint))
  }
}
