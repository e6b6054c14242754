// Where the gateway is found and what is understood of its answers, release by release.

import Etcd
import Hints
import HTTP
import Testing
import TestSupport

@Suite struct `The gateway` {
  @Test(arguments: [
    ("/v3", ["/v3"]), ("/v3beta", ["/v3", "/v3beta"]),
    ("/v3alpha", ["/v3", "/v3beta", "/v3alpha"]),
  ])
  func `is found under the prefix of any release, and kept to`(prefix: String, tried: [String])
    throws
  {
    let member = ScriptedMember(prefix: prefix)
    var snapshot = try EtcdCluster(member).chooseMember().openSnapshot(checkingPages: false)
    #expect(try snapshot.advance())
    #expect(
      member.server.requests.map(\.target)
        == tried.map { "\($0)/maintenance/status" }
        + ["\(prefix)/kv/range", "\(prefix)/maintenance/snapshot"])
  }

  @Test(arguments: [
    ScriptedServer.Reply.response(404, text: "404 page not found\n"),
    .response(404, text: "Not Found\n"),
    .response(404, json: #"{"code":5, "message":"Not Found"}"#),
    .response(404, json: #"{"code":5,"message":"Not Found","details":[]}"#),
    .response(404, json: #"{"error":"Not Found","message":"Not Found","code":5}"#),
    .response(404),
  ])
  func `is looked for further after a 404 of any shape`(notFound: ScriptedServer.Reply) throws {
    let server = ScriptedServer { request in
      switch request.path {
      case "/v3beta/maintenance/status": .response(200, json: MemberText().json)
      case "/v3beta/kv/range": .response(200, json: #"{"header":\#(MemberText().header)}"#)
      default: notFound
      }
    }
    #expect(try EtcdCluster([server.url]).chooseMember().revision == 61)

    let nowhere = ScriptedServer { _ in notFound }
    let endpoint = try #require(Endpoint(nowhere.url))
    #expect(throws: EtcdError.noGateway(endpoint: endpoint)) {
      try EtcdCluster([nowhere.url]).chooseMember()
    }
    #expect(nowhere.requests.count == 3)
  }

  @Test func `is not looked for further after any other refusal`() throws {
    let server = ScriptedServer { _ in .response(503, text: "no healthy upstream") }
    #expect(throws: EtcdError.self) { try EtcdCluster([server.url]).chooseMember() }
    #expect(server.requests.count == 1)
  }

  @Test func `is asked with POST and an object, as it demands`() throws {
    let member = ScriptedMember()
    _ = try EtcdCluster(member).chooseMember()
    #expect(member.server.requests.map(\.method) == ["POST", "POST"])
    #expect(member.server.requests[0].bodyText == "{}")
    #expect(member.server.requests[1].bodyText.contains(#""key":"AA==""#))
    #expect(member.server.requests.allSatisfy { $0["content-type"] == "application/json" })
  }
}

@Suite struct `A member's status` {
  /// The answer to a status call, and what the member is taken to be.
  private func status(from json: String) throws -> MemberStatus {
    let server = ScriptedServer { request in
      request.path == "/v3/kv/range"
        ? .response(200, json: #"{"header":{"revision":"1"}}"#) : .response(200, json: json)
    }
    return try EtcdCluster([server.url]).chooseMember().status
  }

  @Test(arguments: [
    (
      // etcd 3.3.25
      #"{"header":{"cluster_id":"3053820208500470177","member_id":"18257441215475822742","revision":"1","raft_term":"2"},"version":"3.3.25","dbSize":"20480","leader":"18257441215475822742","raftIndex":"4","raftTerm":"2"}"#,
      UInt64(3_053_820_208_500_470_177), UInt64(18_257_441_215_475_822_742), "3.3.25",
      [20_480, 1, 4]
    ),
    (
      // etcd 3.4.23
      #"{"header":{"cluster_id":"2886598408405227459","member_id":"10502211157061864456","revision":"61","raft_term":"2"},"version":"3.4.23","dbSize":"4513792","leader":"10502211157061864456","raftIndex":"65","raftTerm":"2","raftAppliedIndex":"64","dbSizeInUse":"3555328"}"#,
      2_886_598_408_405_227_459, 10_502_211_157_061_864_456, "3.4.23", [4_513_792, 61, 64]
    ),
    (
      // etcd 3.5.30 as Debian builds it
      #"{"header":{"cluster_id":"14400146232015271785", "member_id":"4528479292464282038", "revision":"1", "raft_term":"2"}, "version":"3.5.30", "dbSize":"20480", "leader":"4528479292464282038", "raftIndex":"4", "raftTerm":"2", "raftAppliedIndex":"4", "dbSizeInUse":"16384"}"#,
      14_400_146_232_015_271_785, 4_528_479_292_464_282_038, "3.5.30", [20_480, 1, 4]
    ),
    (
      // etcd 3.6
      #"{"header":{"cluster_id":"14841639068965178418","member_id":"10276657743932975437","revision":"61","raft_term":"2"},"version":"3.6.13","dbSize":"4513792","leader":"10276657743932975437","raftIndex":"64","raftTerm":"2","raftAppliedIndex":"64","dbSizeInUse":"3555328","storageVersion":"3.6.0","dbSizeQuota":"2147483648","downgradeInfo":{}}"#,
      14_841_639_068_965_178_418, 10_276_657_743_932_975_437, "3.6.13", [4_513_792, 61, 64]
    ),
    (
      // numbers where strings are promised
      #"{"header":{"cluster_id":7,"member_id":9,"revision":61,"raft_term":2},"version":"3.5.1","dbSize":4513792,"leader":9,"raftIndex":64,"raftTerm":2,"raftAppliedIndex":64}"#,
      7, 9, "3.5.1", [4_513_792, 61, 64]
    ),
  ])
  func `is understood in the style of every release`(
    json: String, cluster: UInt64, member: UInt64, version: String, numbers: [UInt64]
  ) throws {
    let status = try status(from: json)
    #expect(status.clusterID == cluster)
    #expect(status.memberID == member)
    #expect(status.version == version)
    #expect([status.databaseSize, status.revision, status.appliedIndex] == numbers)
    #expect(status.raftTerm == 2)
    #expect(status.isLeader)
    #expect(!status.isLearner)
    #expect(status.errors.isEmpty)
  }

  @Test func `may lack all that is nothing`() throws {
    let status = try status(from: #"{"header":{"cluster_id":"7","member_id":"9"}}"#)
    #expect(status.leaderID == nil)
    #expect(
      [status.revision, status.raftTerm, status.appliedIndex, status.databaseSize] == [0, 0, 0, 0])
  }

  @Test func `M5: with a leader of 0 knows no leader`() throws {
    let json = #"{"header":{"cluster_id":"7","member_id":"9"},"leader":"0"}"#
    #expect(try status(from: json).leaderID == nil)
  }

  @Test func `M3: says that it is a learner`() throws {
    let learner = ScriptedMember(MemberText(more: #","isLearner":true"#))
    let endpoint = try #require(Endpoint(learner.server.url))
    #expect(throws: EtcdError.onlyLearners([endpoint])) {
      try EtcdCluster(learner).chooseMember()
    }
    #expect(learner.calls == ["maintenance/status"])
  }

  @Test func `M4: with a NOSPACE alarm is that of a member that can be backed up`() throws {
    let alarm = #","errors":["memberID:10502211157061864456 alarm:NOSPACE "]"#
    let member = ScriptedMember(MemberText(more: alarm))
    let chosen = try EtcdCluster(member).chooseMember()
    #expect(chosen.status.isOutOfSpace)
    #expect(chosen.revision == 61)
  }

  @Test func `M4: with a CORRUPT alarm ends the choice before anything else is asked`() throws {
    let alarm = #","errors":["memberID:10502211157061864456 alarm:CORRUPT "]"#
    let member = ScriptedMember(MemberText(more: alarm))
    #expect(throws: EtcdError.corrupt(alarm: "memberID:10502211157061864456 alarm:CORRUPT")) {
      try EtcdCluster(member).chooseMember()
    }
    #expect(member.calls == ["maintenance/status"])
  }

  @Test(arguments: [
    ("{}", "no member id"), (#"{"header":{}}"#, "no member id"),
    (#"{"header":{"cluster_id":"7"}}"#, "no member id"), ("[]", "[]"), ("", "no text"),
    ("<html>\n  <h1>It works!</h1>", "<html> <h1>It works!</h1>"),
    (#"{"header":{"cluster_id":"x","member_id":"9"}}"#, "cluster_id"),
    (#"{"header":{"cluster_id":"-7","member_id":"9"}}"#, "cluster_id"),
    (#"{"health":"true","reason":""}"#, "no member id"),
  ])
  func `is shown where it is not etcd's`(text: String, shown: String) throws {
    let server = ScriptedServer { _ in .response(200, text: text) }
    let error = try #require(throws: EtcdError.self) {
      try EtcdCluster([server.url]).chooseMember()
    }
    #expect(
      error.description.hasPrefix("\(server.url) answered maintenance/status with status 200: "))
    #expect(error.description.contains(shown))
    #expect(error.hint == "Is this an etcd client URL, and not a proxy's?")
  }
}
