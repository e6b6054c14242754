// The etcd cluster behind a list of endpoints: picks the member to back up and opens its snapshot.

package import HTTP

/// How etcd is spoken to.
package enum EtcdTransport: String, Sendable, CaseIterable {
  /// JSON through etcd's gRPC gateway.
  case gateway
  /// Native gRPC.
  case grpc
  /// Native gRPC where an endpoint speaks it, else the gateway.
  case auto
}

/// The client URLs of one etcd cluster, and which of its members is backed up.
///
/// ```swift
/// let member = try cluster.chooseMember()
/// var snapshot = try member.openSnapshot(checkingPages: true)
/// ```
package struct EtcdCluster {
  let endpoints: [Endpoint]
  let credentials: Credentials?
  private let kind: EtcdTransport
  private let transport: Transport
  private let connection: Connection
  private let electionTimeout: Duration

  /// `electionTimeout` is how long an election may take before the cluster is held to have no
  /// quorum: twice etcd's default time-out, and some more.
  package init(
    endpoints: [Endpoint], credentials: Credentials?, kind: EtcdTransport = .gateway,
    transport: Transport, connection: Connection, electionTimeout: Duration = .seconds(3)
  ) {
    self.endpoints = endpoints
    self.credentials = credentials
    self.kind = kind
    self.transport = transport
    var connection = connection
    connection.closesAfterFailure = true
    self.connection = connection
    self.electionTimeout = electionTimeout
  }

  /// Asks every endpoint for its status and settles on the most up-to-date member that a
  /// linearizable read shows to be in step with its cluster.
  ///
  /// Endpoints that fail are tolerated and reported in the result as long as one is left. Without
  /// quorum, also at a second look, no member can be shown to be in step: then the best there is,
  /// and `revision` is `nil`.
  package func chooseMember() throws(EtcdError) -> ChosenMember {
    try chooseMember(except: [])
  }

  /// Looks again for the best member, but for these, whose snapshots showed that their databases
  /// are broken (`SnapshotError.isMembersOwn`).
  ///
  /// `nil` where no other can be used; throws only where the run must stop.
  package func chooseMember(
    insteadOf broken: [ChosenMember]
  ) throws(EtcdError) -> ChosenMember? {
    do throws(EtcdError) {
      return try chooseMember(except: Set(broken.map(\.status.memberID)))
    } catch {
      if error.stopReason != nil { throw error }
      return nil
    }
  }

  private func chooseMember(except broken: Set<UInt64>) throws(EtcdError) -> ChosenMember {
    let began = ContinuousClock.now
    let first = try search(except: broken)
    guard !first.hasQuorum else { return first }
    // An election may be over soon, and behind an address there may be another member, too.
    let delay = max(.zero, electionTimeout - began.duration(to: .now))
    // Why each member failed is told with the member that is chosen, once.
    transport.report(Retry(attempt: 1, delay: delay, cause: "the cluster has no quorum"))
    do throws(TransferError) {
      try transport.sleep(for: delay, before: "another look for a quorum")
    } catch {
      throw .unreachable(endpoint: first.status.endpoint, error)
    }
    do throws(EtcdError) {
      var second = try search(except: broken, needingLeader: true)
      guard second.hasQuorum else { return first }
      second.failures = first.failures + second.failures
      return second
    } catch {
      switch error {
      case .corrupt, .differentClusters: throw error
      default: if error.stopReason != nil { throw error }
      }
      return first
    }
  }

  /// With `needingLeader`, only members that know a leader are asked for a read: the others would
  /// let it wait for nothing.
  private func search(
    except broken: Set<UInt64>, needingLeader: Bool = false
  ) throws(EtcdError) -> ChosenMember {
    var failures: [EtcdError] = []
    var candidates: [Candidate] = []
    for endpoint in endpoints {
      do throws(EtcdError) {
        candidates.append(try probe(endpoint))
      } catch {
        if error.stopReason != nil { throw error }
        failures += error.causes
      }
    }
    guard !candidates.isEmpty else {
      throw failures.count == 1 ? failures[0] : .noUsableEndpoint(failures)
    }

    var withoutQuorum: ChosenMember?
    let ranked = try MemberChoice.ranked(candidates.map(\.status))
    for status in ranked
    where !broken.contains(status.memberID) && !(needingLeader && status.leaderID == nil) {
      guard var candidate = candidates.first(where: { $0.status.endpoint == status.endpoint })
      else {
        continue
      }
      do throws(EtcdError) {
        try candidate.server.signIn(as: credentials)
        let revision = try candidate.server.linearizableRevision()
        return ChosenMember(
          candidate, of: candidates, revision: revision, failures: failures,
          credentials: credentials)
      } catch  where error.isQuorumLoss || error.isSlowAnswer {
        failures.append(error)
        withoutQuorum =
          withoutQuorum
          ?? ChosenMember(
            candidate, of: candidates, revision: nil, failures: [], credentials: credentials)
      } catch {
        if error.stopReason != nil { throw error }
        // What is wrong with our user, the others refuse, too.
        if case .refused = error, error.isConfiguration { throw error }
        failures.append(error)
      }
    }
    guard var chosen = withoutQuorum else {
      throw failures.count == 1 ? failures[0] : .noUsableEndpoint(failures)
    }
    chosen.failures = failures
    return chosen
  }

  /// An endpoint that answered.
  struct Candidate {
    var server: any EtcdServer
    let status: MemberStatus
    /// Why it is not spoken to in gRPC although that was tried.
    var fallback: EtcdError?
  }

  func probe(_ endpoint: Endpoint) throws(EtcdError) -> Candidate {
    switch kind {
    case .gateway: return try probe(gateway(at: endpoint))
    case .grpc: return try probe(native(at: endpoint))
    case .auto: break
    }
    do throws(EtcdError) {
      return try probe(native(at: endpoint))
    } catch  where error.maySpeakOtherwise {
      return try probe(gateway(at: endpoint), insteadOf: error)
    }
  }

  /// Where both ways fail, it may be either that ought to be mended; but a refusal is etcd's answer.
  private func probe(
    _ gateway: any EtcdServer, insteadOf native: EtcdError
  ) throws(EtcdError) -> Candidate {
    do throws(EtcdError) {
      var candidate = try probe(gateway)
      candidate.fallback = native
      return candidate
    } catch {
      if case .refused = error { throw error }
      if error.stopReason != nil { throw error }
      throw .noUsableEndpoint([native, error])
    }
  }

  private func probe(_ server: any EtcdServer) throws(EtcdError) -> Candidate {
    var server = server
    let status = try server.probe(signingInAs: credentials)
    return Candidate(server: server, status: status)
  }

  /// The ways to speak to an endpoint, in the order in which they are tried.
  func servers(at endpoint: Endpoint) -> [any EtcdServer] {
    switch kind {
    case .gateway: [gateway(at: endpoint)]
    case .grpc: [native(at: endpoint)]
    case .auto: [native(at: endpoint), gateway(at: endpoint)]
    }
  }

  private func gateway(at endpoint: Endpoint) -> any EtcdServer {
    Gateway(at: endpoint, transport: transport, connection: connection)
  }

  private func native(at endpoint: Endpoint) -> any EtcdServer {
    NativeGRPC(at: endpoint, transport: transport, connection: connection)
  }
}

extension EtcdError {
  /// The server responded, but not in gRPC: the gateway may still work.
  fileprivate var maySpeakOtherwise: Bool {
    switch self {
    case .notGRPC, .strangeAnswer: true
    case .unreachable(_, let error):
      switch error.kind {
      case .notHTTP, .cutShort, .handshakeFailed, .other: true
      default: false
      }
    default: false
    }
  }
}

/// The member to be backed up, and what is known of it.
package struct ChosenMember {
  package let status: MemberStatus
  /// The highest that any member of the cluster reported.
  package let highestTerm: UInt64
  /// The highest applied index that any member of the cluster reported.
  package let highestIndex: UInt64
  /// What a linearizable read returned before the snapshot was asked for: every write
  /// acknowledged until then is in it. `nil` without quorum.
  package let revision: UInt64?
  /// What went wrong with other endpoints, or with this one's quorum, on the way.
  package fileprivate(set) var failures: [EtcdError]
  /// Why this member is spoken to through the gateway although gRPC was tried first.
  package let fallback: EtcdError?
  private let server: any EtcdServer
  private let credentials: Credentials?

  fileprivate init(
    _ candidate: EtcdCluster.Candidate, of candidates: [EtcdCluster.Candidate], revision: UInt64?,
    failures: [EtcdError], credentials: Credentials?
  ) {
    self.credentials = credentials
    status = candidate.status
    let statuses = candidates.map(\.status).filter { $0.clusterID == candidate.status.clusterID }
    highestTerm = statuses.map(\.raftTerm).max() ?? candidate.status.raftTerm
    highestIndex = statuses.map(\.appliedIndex).max() ?? candidate.status.appliedIndex
    server = candidate.server
    fallback = candidate.fallback
    self.revision = revision
    self.failures = failures
  }

  package var hasQuorum: Bool { revision != nil }

  /// `grpc` or `gateway`.
  package var transportName: String { server.transportName }

  /// What this member says of itself by now: after the linearizable read it has caught up with
  /// whatever had been acknowledged before.
  package func statusNow() throws(EtcdError) -> MemberStatus {
    var server = server
    return try server.probe(signingInAs: credentials)
  }

  /// Asks this member, and no other, for its snapshot; with `checkingPages` its database must be sound.
  ///
  /// Without quorum no revision is known to be acknowledged; then the bytes must have reached at least
  /// the revision that the member itself told.
  package func openSnapshot(checkingPages: Bool) throws(EtcdError) -> Snapshot {
    do throws(EtcdError) {
      return Snapshot(
        try server.openSnapshot(demandingLeader: hasQuorum), from: status.endpoint,
        acknowledged: revision ?? status.revision, checkingPages: checkingPages)
    } catch  where error.lacksCredentials {
      // Without quorum, signing in fails, and the lost quorum is the reason to report.
      throw failures.last { $0.isQuorumLoss || $0.isSlowAnswer } ?? error
    }
  }
}
