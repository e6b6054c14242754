// The search for a member over real connections: dead endpoints, lagging members, lost quorum.

import Etcd
import Hints
import HTTP
import Synchronization
import Testing
import TestSupport

@Suite struct `The search for a member` {
  static let noLeader = ScriptedMember.fault(14, "etcdserver: no leader", status: 503)
  static let timedOut = ScriptedMember.fault(14, "etcdserver: request timed out", status: 503)

  static func text(_ id: UInt64, index: UInt64 = 64, leader: UInt64? = 1) -> MemberText {
    MemberText(id: id, index: index, leader: leader)
  }

  // MARK: Who is asked

  @Test func `M2: takes the foremost and asks it, and no other, for the revision`() throws {
    let (behind, ahead) = (
      ScriptedMember(Self.text(2, index: 10)), ScriptedMember(Self.text(3, index: 9000))
    )
    let chosen = try EtcdCluster(behind, ahead).chooseMember()
    #expect(chosen.status.memberID == 3)
    #expect(chosen.revision == 61)
    #expect(chosen.hasQuorum)
    #expect(chosen.failures.isEmpty)
    #expect(chosen.transportName == "gateway")
    #expect(behind.calls == ["maintenance/status"])
    #expect(ahead.calls == ["maintenance/status", "kv/range"])
  }

  @Test func `takes the revision of the read, not that of the status before it`() throws {
    let member = ScriptedMember { call, _ in
      call == "kv/range" ? .response(200, json: #"{"header":{"revision":"99"}}"#) : nil
    }
    let chosen = try EtcdCluster(member).chooseMember()
    #expect(chosen.status.revision == 61)
    #expect(chosen.revision == 99)
  }

  @Test(arguments: [#"{"header":{}}"#, #"{"header":{"revision":"0"}}"#])
  func `takes no member whose read tells no revision`(json: String) throws {
    let odd = ScriptedMember(Self.text(2, index: 9000)) { call, _ in
      call == "kv/range" ? .response(200, json: json) : nil
    }
    let error = try #require(throws: EtcdError.self) { try EtcdCluster(odd).chooseMember() }
    #expect(error.description.hasSuffix("answered kv/range with status 200: no revision"))
    let member = ScriptedMember(Self.text(3))
    #expect(try EtcdCluster(odd, member).chooseMember().status.memberID == 3)
  }

  @Test func `asks a member that stands behind two endpoints once for its revision`() throws {
    let members = [ScriptedMember(Self.text(2)), ScriptedMember(Self.text(2))]
    #expect(try EtcdCluster(members[0], members[1]).chooseMember().status.memberID == 2)
    #expect(members[0].calls == ["maintenance/status", "kv/range"])
    #expect(members[1].calls == ["maintenance/status"])
  }

  @Test func `refuses endpoints of two clusters`() throws {
    let members = [ScriptedMember(MemberText(cluster: 7)), ScriptedMember(MemberText(cluster: 8))]
    #expect(throws: EtcdError.self) { try EtcdCluster(members[0], members[1]).chooseMember() }
  }

  // MARK: Endpoints that fail

  @Test(arguments: [0, 1])
  func `M1: goes on without an endpoint that refuses connections, and tells of it`(position: Int)
    throws
  {
    let dead = UnreachablePort(.refusing)
    let member = ScriptedMember()
    var urls = [member.server.url]
    urls.insert(dead.url, at: position)
    let chosen = try EtcdCluster(urls).chooseMember()
    #expect(chosen.status.endpoint.description == member.server.url)
    #expect(chosen.hasQuorum)
    #expect(chosen.failures.count == 1)
    let failure = try #require(chosen.failures.first)
    #expect(failure.description.contains(dead.url))
    #expect(failure.hint?.contains("network policy") == true)
  }

  @Test(arguments: [
    ScriptedServer.Reply.response(503, text: "no healthy upstream"), [.close], [.reset],
    .response(200, text: "<html>"), .response(404), Self.noLeader,
    [.send("SSH-2.0-OpenSSH_9.2p1\r\n"), .close],
  ])
  func `M1: goes on without an endpoint that answers nonsense`(reply: ScriptedServer.Reply) throws {
    let broken = ScriptedServer { _ in reply }
    let member = ScriptedMember()
    let chosen = try EtcdCluster([broken.url, member.server.url]).chooseMember()
    #expect(chosen.status.endpoint.description == member.server.url)
    #expect(chosen.failures.count == 1)
  }

  @Test func `M1: goes on without a member that is gone again when it comes to the revision`()
    throws
  {
    let gone = ScriptedMember(Self.text(2, index: 9000)) { call, _ in
      call == "kv/range" ? [.close] : nil
    }
    let member = ScriptedMember(Self.text(3))
    let chosen = try EtcdCluster(gone, member).chooseMember()
    #expect(chosen.status.memberID == 3)
    #expect(chosen.failures.count == 1)
  }

  @Test(arguments: [
    (14, "etcdserver: server stopped", 503), (14, "transport is closing", 503),
    (14, "etcdserver: rpc not supported for learner", 503), (2, "etcdserver: stopped", 500),
  ])
  func `M1: goes on without a member that shuts down while it is asked`(
    code: Int, message: String, status: Int
  ) throws {
    let going = ScriptedMember(Self.text(2, index: 9000)) { call, _ in
      call == "kv/range" ? ScriptedMember.fault(code, message, status: status) : nil
    }
    let member = ScriptedMember(Self.text(3))
    let chosen = try EtcdCluster(going, member).chooseMember()
    #expect(chosen.status.memberID == 3)
    #expect(chosen.failures.map(\.description).joined().contains(message))
  }

  @Test(arguments: [
    ScriptedServer.Reply.response(404), .response(421, text: "not in the whitelist of etcd"),
    [.send("SSH-2.0-OpenSSH_9.2p1\r\n"), .close],
  ])
  func `M1: goes on without a member before which something else answers the read`(
    reply: ScriptedServer.Reply
  ) throws {
    let hidden = ScriptedMember(Self.text(2, index: 9000)) { call, _ in
      call == "kv/range" ? reply : nil
    }
    let member = ScriptedMember(Self.text(3))
    let chosen = try EtcdCluster(hidden, member).chooseMember()
    #expect(chosen.status.memberID == 3)
    #expect(chosen.failures.map(\.isConfiguration) == [true])
  }

  @Test func `names every endpoint where none can be used`() throws {
    let dead = [UnreachablePort(.refusing), UnreachablePort(.refusing)]
    let error = try #require(throws: EtcdError.self) {
      try EtcdCluster(dead.map(\.url)).chooseMember()
    }
    #expect(error.description.hasPrefix("no etcd endpoint can be used: "))
    for port in dead { #expect(error.description.contains(port.url)) }
    #expect(error.hint != nil)
    #expect(!error.isConfiguration)
  }

  @Test func `is about the only endpoint itself where there is but one`() throws {
    let dead = UnreachablePort(.refusing)
    let error = try #require(throws: EtcdError.self) { try EtcdCluster([dead.url]).chooseMember() }
    guard case .unreachable(let endpoint, let cause) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(endpoint.description == dead.url)
    #expect(cause.kind == .noConnection)
  }

  @Test func `is hopeless only where every endpoint is`() throws {
    let (dead, wrong) = (UnreachablePort(.refusing), ScriptedServer { _ in .response(404) })
    let both = try #require(throws: EtcdError.self) {
      try EtcdCluster([dead.url, wrong.url]).chooseMember()
    }
    #expect(!both.isConfiguration)
    let one = try #require(throws: EtcdError.self) {
      try EtcdCluster([wrong.url, wrong.url + "/"]).chooseMember()
    }
    #expect(one.isConfiguration)
  }

  // MARK: No quorum

  @Test(arguments: [
    "etcdserver: no leader", "etcdserver: request timed out", "context deadline exceeded",
    "etcdserver: request timed out, possibly due to connection lost",
    "etcdserver: leader changed",
  ])
  func `M5: without quorum takes the best there is, and no revision is sure`(message: String)
    throws
  {
    let member = ScriptedMember(Self.text(2, leader: nil)) { call, _ in
      call == "kv/range" ? ScriptedMember.fault(14, message, status: 503) : nil
    }
    let chosen = try EtcdCluster(member).chooseMember()
    #expect(chosen.revision == nil)
    #expect(!chosen.hasQuorum)
    #expect(chosen.status.revision == 61)
    #expect(chosen.failures.map(\.description).joined().contains(message))
    #expect(chosen.failures.first?.hint?.contains("quorum") == true)
  }

  @Test func `M5: knows the loss of quorum in the words of etcd 3_3, too`() throws {
    let member = ScriptedMember(Self.text(2, leader: nil), prefix: "/v3beta") { call, _ in
      call == "kv/range"
        ? .response(503, json: #"{"error":"etcdserver: request timed out","code":14}"#) : nil
    }
    let chosen = try EtcdCluster(member).chooseMember()
    #expect(!chosen.hasQuorum)
    #expect(chosen.failures.first?.hint?.contains("quorum") == true)
  }

  // MARK: A second look

  /// Replies once, and from then on as a member does.
  private static func once(
    _ call: String, _ reply: ScriptedServer.Reply
  ) -> ScriptedMember.Handler {
    let replied = Flag()
    return { asked, _ in
      guard asked == call, !replied.isRaised else { return nil }
      replied.raise()
      return reply
    }
  }

  @Test(arguments: ["etcdserver: leader changed", "etcdserver: request timed out"])
  func `M5: finds quorum at a second look, where an election came between`(message: String) throws {
    let member = ScriptedMember(
      Self.text(2), answering: Self.once("kv/range", ScriptedMember.fault(14, message, status: 503))
    )
    let chosen = try EtcdCluster(member).chooseMember()
    #expect(chosen.revision == 61)
    #expect(chosen.failures.map(\.description).joined().contains(message))
  }

  @Test func `M5: reaches another member behind the same address at a second look`() throws {
    let service = ScriptedMember { call, request in
      let isCutOff = request.connection == 0
      let member = Self.text(isCutOff ? 2 : 3, leader: isCutOff ? nil : 3)
      return switch call {
      case "maintenance/status": .response(200, json: member.json)
      case "kv/range" where isCutOff: Self.timedOut
      default: nil
      }
    }
    let chosen = try EtcdCluster(service).chooseMember()
    #expect(chosen.status.memberID == 3)
    #expect(chosen.hasQuorum)
    var snapshot = try chosen.openSnapshot(checkingPages: false)
    #expect(try snapshot.advance())
    #expect(service.server.requests.map(\.connection) == [0, 0, 1, 1, 1])
  }

  @Test func `M5: does not wait again for a member that still knows no leader`() throws {
    let member = ScriptedMember(Self.text(2, leader: nil)) { call, _ in
      call == "kv/range" ? Self.timedOut : nil
    }
    #expect(try !EtcdCluster(member).chooseMember().hasQuorum)
    #expect(member.calls == ["maintenance/status", "kv/range", "maintenance/status"])
  }

  @Test func `M5: gives an election its time before the second look, but no longer than the run`()
    throws
  {
    let refused = Mutex<ContinuousClock.Instant?>(nil)
    let member = ScriptedMember(Self.text(2)) { call, _ in
      guard call == "kv/range" else { return nil }
      refused.withLock { $0 = .now }
      return Self.noLeader
    }
    // By then it waits for the election.
    let cluster = try EtcdCluster([member.server.url], electionTimeout: .seconds(3600)) {
      refused.withLock { $0.map { .now - $0 > .seconds(1) } } == true ? .deadline : nil
    }
    let error = try #require(throws: EtcdError.self) { try cluster.chooseMember() }
    #expect(error.stopReason == .deadline)
    #expect(member.calls.filter { $0 == "maintenance/status" }.count == 1)
  }

  @Test func `M5: of members without quorum takes the foremost`() throws {
    let members = [10, 30, 20].map { index in
      ScriptedMember(Self.text(index, index: index, leader: nil)) { call, _ in
        call == "kv/range" ? Self.timedOut : nil
      }
    }
    let chosen = try EtcdCluster(members[0], members[1], members[2]).chooseMember()
    #expect(chosen.status.memberID == 30)
    #expect(chosen.failures.count == 3)
  }

  @Test func `M2: passes over a member that is cut off for one that is not`() throws {
    let cutOff = ScriptedMember(Self.text(2, index: 9000)) { call, _ in
      call == "kv/range" ? Self.timedOut : nil
    }
    let member = ScriptedMember(Self.text(3))
    let chosen = try EtcdCluster(cutOff, member).chooseMember()
    #expect(chosen.status.memberID == 3)
    #expect(chosen.revision == 61)
    #expect(chosen.failures.count == 1)
  }

  @Test func `M2: demands a leader of the snapshot's member only with quorum`() throws {
    let member = ScriptedMember(Self.text(2, leader: nil)) { call, _ in
      call == "kv/range" ? Self.noLeader : nil
    }
    var snapshot = try EtcdCluster(member).chooseMember().openSnapshot(checkingPages: false)
    #expect(try snapshot.advance())
    #expect(member.server.requests.last?["grpc-metadata-hasleader"] == nil)
  }

  @Test func `M2: does not take the snapshot of a member that has lost its leader since`() throws {
    let member = ScriptedMember(snapshot: Self.noLeader)
    let chosen = try EtcdCluster(member).chooseMember()
    let error = try #require(throws: EtcdError.self) {
      _ = try chosen.openSnapshot(checkingPages: false)
    }
    #expect(error.description.hasSuffix("refused maintenance/snapshot: etcdserver: no leader"))
    #expect(error.hint?.contains("quorum") == true)
    #expect(!error.isConfiguration)
  }

  // MARK: Told to stop

  @Test(arguments: ["maintenance/status", "kv/range", "maintenance/snapshot"])
  func `ends when the run must stop, whatever it waits for`(call: String) throws {
    let asked = Flag()
    let member = ScriptedMember { asking, _ in
      guard asking == call else { return nil }
      asked.raise()
      return [.hold]
    }
    // Two endpoints, since a stop is no reason to try the other.
    let cluster = try EtcdCluster([member.server.url, member.server.url + "/"]) {
      asked.isRaised ? .terminated : nil
    }
    let error = try #require(throws: EtcdError.self) {
      _ = try cluster.chooseMember().openSnapshot(checkingPages: false)
    }
    #expect(error.stopReason == .terminated)
    #expect(member.calls.filter { $0 == call }.count == 1)
  }
}
