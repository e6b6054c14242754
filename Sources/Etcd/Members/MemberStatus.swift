// What one member says of itself (Maintenance.Status), and which of several is best to back up.

internal import FoundationEssentials
internal import HTTP

package struct MemberStatus: Equatable, Sendable {
  package var endpoint: Endpoint
  package var clusterID: UInt64
  package var memberID: UInt64
  /// etcd's release, `3.4.23`.
  package var version: String
  /// Bytes of the database file, free pages included.
  package var databaseSize: UInt64
  /// Revision of the store as this member has applied it.
  package var revision: UInt64
  package var raftTerm: UInt64
  /// The last log entry this member has applied; etcd 3.3 only tells the last it has stored.
  package var appliedIndex: UInt64
  package var tellsAppliedIndex: Bool
  /// `nil` where this member knows of no leader.
  package var leaderID: UInt64?
  package var isLearner: Bool
  /// Alarms and complaints in etcd's own words, such as `memberID:42 alarm:NOSPACE`.
  package var errors: [String]

  package init(
    endpoint: Endpoint, clusterID: UInt64, memberID: UInt64, version: String, databaseSize: UInt64,
    revision: UInt64, raftTerm: UInt64, appliedIndex: UInt64,
    tellsAppliedIndex: Bool = true, leaderID: UInt64?, isLearner: Bool = false,
    errors: [String] = []
  ) {
    self.endpoint = endpoint
    self.clusterID = clusterID
    self.memberID = memberID
    self.version = version
    self.databaseSize = databaseSize
    self.revision = revision
    self.raftTerm = raftTerm
    self.appliedIndex = appliedIndex
    self.tellsAppliedIndex = tellsAppliedIndex
    self.leaderID = leaderID
    self.isLearner = isLearner
    self.errors = errors
  }

  package var isLeader: Bool { leaderID == memberID }
  package var isOutOfSpace: Bool { errors.contains { $0.contains("NOSPACE") } }
  package var corruptAlarm: String? { errors.first { $0.contains("CORRUPT") } }
}

package enum MemberChoice {
  /// A follower this close behind, in log entries, is preferred: it spares the leader, and a
  /// linearizable read lets it catch up before the snapshot.
  private static let nearTie: UInt64 = 100

  /// The members that can be backed up, best first. Pure: sends no request.
  ///
  /// Learners are left out. Members that know a leader come before those that do not; a higher
  /// term wins, then a higher applied index, then a higher revision.
  ///
  /// Throws for a CORRUPT alarm of any member, for members of different clusters, and when only
  /// learners answered.
  package static func ranked(_ statuses: [MemberStatus]) throws(EtcdError) -> [MemberStatus] {
    if let alarm = statuses.lazy.compactMap(\.corruptAlarm).first {
      throw .corrupt(alarm: String(alarm[...].trimmingBlanks()))
    }
    if let first = statuses.first,
      let stranger = statuses.first(where: { $0.clusterID != first.clusterID })
    {
      throw .differentClusters(first.endpoint, stranger.endpoint)
    }
    var seen: Set<UInt64> = []
    let voters = statuses.filter { !$0.isLearner && seen.insert($0.memberID).inserted }
    guard let newest = voters.max(by: isOlder) else {
      throw .onlyLearners(statuses.map(\.endpoint))
    }
    let ranked = voters.sorted { isOlder($1, $0) }
    let sparing = ranked.firstIndex { candidate in
      !candidate.isLeader && candidate.leaderID != nil && candidate.raftTerm == newest.raftTerm
        // Of the same term, none has applied more than the newest.
        && newest.appliedIndex - candidate.appliedIndex <= nearTie
    }
    guard let sparing else { return ranked }
    return [ranked[sparing]] + ranked[..<sparing] + ranked[(sparing + 1)...]
  }

  private static func isOlder(_ one: MemberStatus, _ other: MemberStatus) -> Bool {
    func rank(_ status: MemberStatus) -> [UInt64] {
      [status.leaderID == nil ? 0 : 1, status.raftTerm, status.appliedIndex, status.revision]
    }
    return rank(one).lexicographicallyPrecedes(rank(other))
  }
}

// MARK: - JSON of the gateway

/// The response of `maintenance/status`; field names mix styles, numbers are strings, defaults absent.
struct StatusResponse: Decodable {
  struct Header: Decodable {
    let cluster_id: LenientUInt64?
    let member_id: LenientUInt64?
    let revision: LenientUInt64?
    let raft_term: LenientUInt64?
  }

  let header: Header?
  let version: String?
  let dbSize: LenientUInt64?
  let leader: LenientUInt64?
  let raftIndex: LenientUInt64?
  let raftTerm: LenientUInt64?
  let raftAppliedIndex: LenientUInt64?
  let isLearner: Bool?
  let errors: [String]?

  /// Returns `nil` where the response names no member, which no etcd leaves out.
  func status(at endpoint: Endpoint) -> MemberStatus? {
    guard let memberID = header?.member_id?.value, let clusterID = header?.cluster_id?.value else {
      return nil
    }
    return MemberStatus(
      endpoint: endpoint, clusterID: clusterID, memberID: memberID, version: version ?? "unknown",
      databaseSize: dbSize?.value ?? 0, revision: header?.revision?.value ?? 0,
      raftTerm: (raftTerm ?? header?.raft_term)?.value ?? 0,
      appliedIndex: (raftAppliedIndex ?? raftIndex)?.value ?? 0,
      tellsAppliedIndex: raftAppliedIndex != nil,
      leaderID: leader.flatMap { $0.value == 0 ? nil : $0.value },
      isLearner: isLearner ?? false, errors: errors ?? [])
  }
}
