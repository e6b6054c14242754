/// How far a cluster's raft log has come.
package struct RaftPosition: Hashable, Sendable {
  package let term: UInt64
  package let index: UInt64

  package init(term: UInt64, index: UInt64) {
    self.term = term
    self.index = index
  }

  /// Whether a log that was at `other` can be here now: neither ever decreases.
  package func reaches(_ other: RaftPosition) -> Bool {
    term >= other.term && index >= other.index
  }

  func joined(with other: RaftPosition) -> RaftPosition {
    RaftPosition(term: max(term, other.term), index: max(index, other.index))
  }
}

/// The cluster that a run backs up, as its members described it.
package struct ClusterSighting: Hashable, Sendable {
  /// Does not tell clusters apart: etcd derives it from the peer URLs and the cluster token.
  package let clusterID: UInt64
  /// Of the member that the backup was taken from.
  package let position: RaftPosition
  /// The highest term and index that any member reported, so that a lagging member is no break.
  package var highest: RaftPosition

  package init(clusterID: UInt64, position: RaftPosition, highest: RaftPosition? = nil) {
    self.clusterID = clusterID
    self.position = position
    self.highest = highest?.joined(with: position) ?? position
  }
}

/// The backups of one unbroken life of a cluster: from its start, or its restore, to its end.
package struct History: Hashable, Sendable {
  /// The name of its first backup.
  package let name: ULID
  package let clusterID: UInt64
  /// At its first backup.
  package let first: RaftPosition
  /// At its newest backup.
  package internal(set) var newest: RaftPosition
  package internal(set) var newestBackup: ULID
  /// Of its first backup, in seconds since 1970.
  package let firstTime: Int
  /// Of its newest backup, in seconds since 1970.
  package internal(set) var lastTime: Int
  /// When a run first found another history in its place; `nil` while it runs.
  package internal(set) var endTime: Int?
  /// When it last followed another one although its cluster had been seen before.
  package internal(set) var returnTime: Int?

  package init(
    name: ULID, clusterID: UInt64, first: RaftPosition, newest: RaftPosition, newestBackup: ULID,
    firstTime: Int, lastTime: Int, endTime: Int? = nil, returnTime: Int? = nil
  ) {
    self.name = name
    self.clusterID = clusterID
    self.first = first
    self.newest = newest
    self.newestBackup = newestBackup
    self.firstTime = firstTime
    self.lastTime = lastTime
    self.endTime = endTime
    self.returnTime = returnTime
  }

  /// In seconds, from its first backup to its newest.
  package var span: Int { lastTime - firstTime }

  /// When it last became the running one.
  var startTime: Int { max(firstTime, returnTime ?? firstTime) }

  /// Whether the cluster can be a later state of this history.
  package func fits(_ cluster: ClusterSighting) -> Bool {
    cluster.clusterID == clusterID && cluster.highest.reaches(newest)
  }

  mutating func extend(with backup: ULID, of cluster: ClusterSighting, at time: Int) {
    newest = cluster.position
    newestBackup = backup
    // A clock that was set back must not make the history shorter than it was.
    lastTime = max(lastTime, time)
  }
}
