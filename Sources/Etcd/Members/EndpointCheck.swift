internal import SnapshotFile

/// What a preflight finds out about one endpoint without changing anything there.
package struct EndpointCheck {
  package let status: MemberStatus
  /// `grpc` or `gateway`.
  package let transportName: String
  /// Why it is spoken to through the gateway although gRPC was tried first.
  package let fallback: EtcdError?
  /// Why no linearizable read was possible; `nil` where one was.
  package let quorumProblem: EtcdError?
  /// Why a snapshot would not be had; `nil` where one began to come.
  package let snapshotProblem: SnapshotProblem?

  /// A snapshot may be refused as a whole, or break off with its first message.
  package enum SnapshotProblem {
    case refused(EtcdError)
    case broken(SnapshotError)
  }
}

extension EtcdCluster {
  /// Asks one endpoint for its status, a linearizable read, and the beginning of a snapshot.
  ///
  /// Only a snapshot itself shows whether the user may take one. It is let go of after its first
  /// message: etcd then ends its read transaction, and nothing else has happened. A learner, which
  /// no run backs up and which refuses most calls, is asked for its status only.
  package func examine(_ endpoint: Endpoint) throws(EtcdError) -> EndpointCheck {
    var candidate = try probe(endpoint)
    var quorumProblem: EtcdError?
    var snapshotProblem: EndpointCheck.SnapshotProblem?
    if !candidate.status.isLearner {
      try candidate.server.signIn(as: credentials)
      quorumProblem = try self.quorumProblem(of: candidate.server)
      snapshotProblem = try self.snapshotProblem(of: candidate.server)
    }
    return EndpointCheck(
      status: candidate.status, transportName: candidate.server.transportName,
      fallback: candidate.fallback, quorumProblem: quorumProblem, snapshotProblem: snapshotProblem)
  }

  private func quorumProblem(of server: any EtcdServer) throws(EtcdError) -> EtcdError? {
    do throws(EtcdError) {
      _ = try server.linearizableRevision()
      return nil
    } catch {
      if error.stopReason != nil { throw error }
      return error
    }
  }

  private func snapshotProblem(
    of server: any EtcdServer
  ) throws(EtcdError) -> EndpointCheck.SnapshotProblem? {
    var snapshot: Snapshot
    do throws(EtcdError) {
      snapshot = Snapshot(
        try server.openSnapshot(demandingLeader: false), from: server.endpoint,
        acknowledged: 0, checkingPages: false)
    } catch {
      if error.stopReason != nil { throw error }
      return .refused(error)
    }
    do throws(SnapshotError) {
      if try snapshot.advance() { return nil }
      return .broken(.file(.truncated(received: 0, expected: nil)))
    } catch {
      if case .interrupted(_, let failure) = error, error.stopReason != nil {
        throw .unreachable(endpoint: server.endpoint, failure)
      }
      return .broken(error)
    }
  }
}
