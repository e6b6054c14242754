// Which member is backed up, decided from what each says of itself.

import Etcd
import Hints
import Testing

@Suite struct `The choice of a member` {
  /// Member `id` at `http://m{id}:2379`; member 1 leads unless told otherwise.
  static func member(
    _ id: UInt64, cluster: UInt64 = 7, term: UInt64 = 2, index: UInt64 = 1000,
    revision: UInt64 = 500, leader: UInt64? = 1, isLearner: Bool = false, errors: [String] = [],
    at name: String? = nil
  ) throws -> MemberStatus {
    MemberStatus(
      endpoint: try #require(Endpoint("http://\(name ?? "m\(id)"):2379")), clusterID: cluster,
      memberID: id, version: "3.5.16", databaseSize: 20_480, revision: revision, raftTerm: term,
      appliedIndex: index, leaderID: leader, isLearner: isLearner, errors: errors)
  }

  func order(_ statuses: [MemberStatus]) throws -> [UInt64] {
    try MemberChoice.ranked(statuses).map(\.memberID)
  }

  @Test func `of one is that one`() throws {
    #expect(try order([Self.member(1)]) == [1])
  }

  @Test(arguments: [[1, 2, 3], [3, 2, 1], [2, 3, 1]] as [[UInt64]])
  func `M2: is the most up to date one, whoever answers first`(answers: [UInt64]) throws {
    let statuses = try answers.map { id in
      try Self.member(id, index: [1: 5000, 2: 9000, 3: 20][id] ?? 0, leader: 4)
    }
    #expect(try order(statuses) == [2, 1, 3])
  }

  @Test func `M2: puts the raft term above everything else`() throws {
    // Cut off in term 2, member 1 still believes it leads and has entries that will be thrown away.
    let statuses = try [
      Self.member(1, term: 2, index: 90_000, revision: 90_000, leader: 1),
      Self.member(2, term: 3, index: 1000, leader: 3),
    ]
    #expect(try order(statuses) == [2, 1])
  }

  @Test func `M2: falls back on the revision where the index is the same`() throws {
    let statuses = try [
      Self.member(2, revision: 10), Self.member(3, revision: 12), Self.member(4, revision: 11),
    ]
    #expect(try order(statuses) == [3, 4, 2])
  }

  @Test(arguments: [(UInt64(0), true), (99, true), (100, true), (101, false), (5000, false)])
  func `spares the leader where a follower is hardly behind`(behind: UInt64, spared: Bool) throws {
    let statuses = try [Self.member(1, index: 9000), Self.member(2, index: 9000 - behind)]
    #expect(try order(statuses) == (spared ? [2, 1] : [1, 2]))
  }

  @Test func `takes the foremost of several followers that are hardly behind`() throws {
    let statuses = try [
      Self.member(1, index: 9000), Self.member(2, index: 8950), Self.member(3, index: 8990),
    ]
    #expect(try order(statuses) == [3, 1, 2])
  }

  @Test func `does not spare the leader for a follower of an older term`() throws {
    let statuses = try [Self.member(1, term: 3), Self.member(2, term: 2)]
    #expect(try order(statuses) == [1, 2])
  }

  @Test(arguments: [UInt64.max, UInt64.max - 50])
  func `copes with the highest index there is`(index: UInt64) throws {
    let statuses = try [Self.member(1, index: .max), Self.member(2, index: index)]
    #expect(try order(statuses) == [2, 1])
  }

  @Test func `M5: puts members that know no leader last, but does not drop them`() throws {
    let statuses = try [
      Self.member(2, term: 9, index: 9999, leader: nil), Self.member(3), Self.member(1),
    ]
    #expect(try order(statuses) == [3, 1, 2])
  }

  @Test func `M5: without any leader is the most up to date one`() throws {
    let statuses = try [
      Self.member(1, index: 10, leader: nil), Self.member(2, index: 12, leader: nil),
    ]
    #expect(try order(statuses) == [2, 1])
  }

  @Test func `M3: leaves learners out`() throws {
    let statuses = try [Self.member(1), Self.member(2, index: 9999, isLearner: true)]
    #expect(try order(statuses) == [1])
  }

  @Test func `M3: fails where only learners answered, and says what to do`() throws {
    let statuses = try [Self.member(2, isLearner: true), Self.member(3, isLearner: true)]
    let error = try #require(throws: EtcdError.self) { try MemberChoice.ranked(statuses) }
    #expect(error.description == "only learners answered: http://m2:2379, http://m3:2379")
    #expect(error.hint?.contains("voting member") == true)
  }

  @Test func `counts a member behind several endpoints once, at the first`() throws {
    let statuses = try [
      Self.member(2, at: "service"), Self.member(1, at: "node"), Self.member(2, at: "direct"),
    ]
    #expect(try order(statuses) == [2, 1])
    #expect(try MemberChoice.ranked(statuses).first?.endpoint.host == "service")
  }

  @Test func `refuses members of different clusters, and names them`() throws {
    let statuses = try [Self.member(1), Self.member(2), Self.member(3, cluster: 8)]
    let error = try #require(throws: EtcdError.self) { try MemberChoice.ranked(statuses) }
    #expect(
      error.description == "http://m1:2379 and http://m3:2379 belong to different etcd clusters")
    #expect(error.hint?.contains("APP_BACKUP_ETCD_ENDPOINTS") == true)
    #expect(error.isConfiguration)
  }

  // MARK: Alarms

  @Test(arguments: [1, 2] as [UInt64])
  func `M4: stops at a CORRUPT alarm, whichever member tells of it`(teller: UInt64) throws {
    let alarm = "memberID:10502211157061864456 alarm:CORRUPT "
    let statuses = try [1, 2].map { id in
      try Self.member(id, errors: id == teller ? ["etcdserver: no leader", alarm] : [])
    }
    let error = try #require(throws: EtcdError.self) { try MemberChoice.ranked(statuses) }
    #expect(error == .corrupt(alarm: "memberID:10502211157061864456 alarm:CORRUPT"))
    #expect(error.description.contains("not to be trusted"))
    #expect(error.hint?.contains("hashkv") == true)
    #expect(!error.isConfiguration)
  }

  @Test func `M4: a CORRUPT alarm told by a learner stops the run as well`() throws {
    let statuses = try [
      Self.member(1), Self.member(2, isLearner: true, errors: ["memberID:1 alarm:CORRUPT "]),
    ]
    #expect(throws: EtcdError.corrupt(alarm: "memberID:1 alarm:CORRUPT")) {
      try MemberChoice.ranked(statuses)
    }
  }

  @Test func `M4: goes on at a NOSPACE alarm, which the member shows`() throws {
    let full = try Self.member(2, errors: ["memberID:10502211157061864456 alarm:NOSPACE "])
    #expect(try order([full]) == [2])
    #expect(full.isOutOfSpace)
    #expect(try !Self.member(3).isOutOfSpace)
  }
}
