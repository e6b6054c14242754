// etcd's users: when a token is fetched, how it is sent, and what each refusal means.

import Etcd
import Hints
import HTTP
import Testing
import TestSupport

private let root = Etcd.Credentials(username: "root", password: "hunter2")
private let token = "pAsHPyVHZupDifJI.16"

/// A member with authentication on: only calls that carry the token are answered.
private func guardedMember(
  openStatus: Bool = false, tokenAnswer: ScriptedServer.Reply? = nil,
  snapshot: ScriptedServer.Reply = .snapshot(GatewayStream(of: SnapshotFixture.database))
) -> ScriptedMember {
  ScriptedMember(snapshot: snapshot) { call, request in
    switch call {
    case "auth/authenticate":
      tokenAnswer
        ?? .response(200, json: #"{"header":{"revision":"1"},"token":"\#(token)"}"#)
    case "maintenance/status" where openStatus: nil
    case _ where request["authorization"] == token: nil
    default: ScriptedMember.fault(3, "etcdserver: user name is empty", status: 400)
    }
  }
}

@Suite struct `With an etcd user` {
  @Test func `signs in where status is refused, and sends the bare token from then on`() throws {
    let member = guardedMember()
    var snapshot = try EtcdCluster(member, credentials: root).chooseMember().openSnapshot(
      checkingPages: false)
    #expect(try snapshot.advance())
    #expect(
      member.calls == [
        "maintenance/status", "auth/authenticate", "maintenance/status", "kv/range",
        "maintenance/snapshot",
      ])
    #expect(
      member.server.requests.map { $0["authorization"] } == [nil, nil, token, token, token])
    #expect(member.server.requests[1].bodyText.contains(#""name":"root""#))
    #expect(member.server.requests[1].bodyText.contains(#""password":"hunter2""#))
  }

  @Test func `signs in for the rest where status is open to everybody`() throws {
    let member = guardedMember(openStatus: true)
    var snapshot = try EtcdCluster(member, credentials: root).chooseMember().openSnapshot(
      checkingPages: false)
    #expect(try snapshot.advance())
    #expect(
      member.calls == [
        "maintenance/status", "auth/authenticate", "kv/range", "maintenance/snapshot",
      ])
    #expect(member.server.requests.map { $0["authorization"] } == [nil, nil, token, token])
  }

  @Test(arguments: [
    ScriptedMember.authenticationIsOff,
    ScriptedMember.fault(9, "etcdserver: authentication is not enabled", status: 412),
    .response(400, json: #"{"error":"etcdserver: authentication is not enabled","code":9}"#),
    .response(
      400, json: #"{"code":9, "message":"etcdserver: authentication is not enabled"}"#),
    .response(
      400, json: #"{"code":9,"message":"etcdserver: authentication is not enabled","details":[]}"#),
  ])
  func `sends no token where authentication is off`(refusal: ScriptedServer.Reply) throws {
    let member = ScriptedMember { call, _ in call == "auth/authenticate" ? refusal : nil }
    var snapshot = try EtcdCluster(member, credentials: root).chooseMember().openSnapshot(
      checkingPages: false)
    #expect(try snapshot.advance())
    #expect(member.server.requests.allSatisfy { $0["authorization"] == nil })
    #expect(member.calls.last == "maintenance/snapshot")
  }

  @Test func `signs in at the member that is used, and at no other that is open`() throws {
    let members = [guardedMember(openStatus: true), guardedMember(openStatus: true)]
    _ = try EtcdCluster(members[0], members[1], credentials: root).chooseMember()
    #expect(members.map { $0.calls.filter { $0 == "auth/authenticate" }.count } == [1, 0])
  }

  @Test func `M5: without quorum, nobody can sign in, and that is the reason given`() throws {
    let member = guardedMember(
      openStatus: true,
      tokenAnswer: ScriptedMember.fault(14, "etcdserver: request timed out", status: 503))
    let chosen = try EtcdCluster(member, credentials: root).chooseMember()
    #expect(!chosen.hasQuorum)
    let error = try #require(throws: EtcdError.self) {
      _ = try chosen.openSnapshot(checkingPages: false)
    }
    #expect(
      error.description.hasSuffix("refused auth/authenticate: etcdserver: request timed out"))
    #expect(error.hint?.contains("quorum") == true)
    #expect(!error.isConfiguration)
  }
}

@Suite struct `Without an etcd user` {
  @Test func `nobody signs in`() throws {
    let member = ScriptedMember()
    _ = try EtcdCluster(member).chooseMember()
    #expect(member.calls == ["maintenance/status", "kv/range"])
  }

  @Test func `a cluster that wants one says which variable to set`() throws {
    let member = guardedMember()
    let error = try #require(throws: EtcdError.self) { try EtcdCluster(member).chooseMember() }
    #expect(
      error.description.hasSuffix(
        "refused maintenance/status: etcdserver: user name is empty"))
    #expect(error.hint?.contains("APP_BACKUP_ETCD_CREDENTIALS_SECRET") == true)
    #expect(error.isConfiguration)
  }
}

/// One refusal as a release words it, and what the operator is told to do.
struct AuthenticationRefusal: Sendable, CustomTestStringConvertible {
  let call: String
  let status: Int
  let body: String
  let message: String
  let hint: String
  var isConfiguration = true

  var testDescription: String { "\(call) \(status) \(body)" }

  /// etcd 3.3 to 3.5: unknown error, wrapped since the call streams.
  static func stream(_ message: String, _ hint: String, isConfiguration: Bool = true) -> [Self] {
    let legacy =
      #"{"error":{"grpc_code":2,"http_code":500,"message":"\#(message)","#
      + #""http_status":"Internal Server Error"}}"#
    return [legacy, #"{"error":{"code":2,"message":"\#(message)"}}"#].map {
      Self(
        call: "maintenance/snapshot", status: 500, body: $0, message: message, hint: hint,
        isConfiguration: isConfiguration)
    }
  }

  /// Any other call, and everything in etcd 3.6.
  static func plain(
    _ call: String, _ status: Int, _ code: Int, _ message: String, _ hint: String,
    isConfiguration: Bool = true
  ) -> [Self] {
    [
      #"{"error":"\#(message)","message":"\#(message)","code":\#(code)}"#,
      #"{"error":"\#(message)","code":\#(code)}"#,
      #"{"code":\#(code), "message":"\#(message)"}"#,
      #"{"code":\#(code),"message":"\#(message)","details":[]}"#,
      #"{"error":{"code":\#(code),"message":"\#(message)","details":[]}}"#,
    ].map {
      Self(
        call: call, status: status, body: $0, message: message, hint: hint,
        isConfiguration: isConfiguration)
    }
  }

  static let stream: [Self] =
    stream("auth: user name is empty", "APP_BACKUP_ETCD_CREDENTIALS_SECRET")
    + stream("auth: permission denied", "root role")
    + stream("auth: invalid auth token", "Another attempt", isConfiguration: false)

  static let all: [Self] =
    stream
    + plain(
      "maintenance/snapshot", 400, 3, "etcdserver: user name is empty",
      "APP_BACKUP_ETCD_CREDENTIALS_SECRET")
    + plain("maintenance/snapshot", 403, 7, "etcdserver: permission denied", "root role")
    + plain(
      "maintenance/snapshot", 401, 16, "etcdserver: invalid auth token", "Another attempt",
      isConfiguration: false)
    + plain("maintenance/status", 403, 7, "etcdserver: permission denied", "root role")
    + plain(
      "maintenance/status", 401, 16, "etcdserver: invalid auth token", "Another attempt",
      isConfiguration: false)
    + plain("kv/range", 403, 7, "etcdserver: permission denied", "root role")
    + plain(
      "kv/range", 401, 16, "etcdserver: invalid auth token", "Another attempt",
      isConfiguration: false)
    + plain(
      "auth/authenticate", 400, 3,
      "etcdserver: authentication failed, invalid user ID or password", "username and password")
}

@Suite struct `A refusal that concerns users` {
  @Test(arguments: AuthenticationRefusal.all)
  func `is told in etcd's words, with what to do about it`(refusal: AuthenticationRefusal) throws {
    let member = ScriptedMember { call, _ in
      if call == refusal.call { return .response(refusal.status, json: refusal.body) }
      return call == "auth/authenticate"
        ? .response(200, json: #"{"token":"\#(token)"}"#) : nil
    }
    let cluster = try EtcdCluster(member, credentials: root)
    let error = try #require(throws: EtcdError.self) {
      _ = try cluster.chooseMember().openSnapshot(checkingPages: false)
    }
    #expect(
      error.description
        == "etcd at \(member.server.url) refused \(refusal.call): \(refusal.message)")
    #expect(error.hint?.contains(refusal.hint) == true)
    #expect(error.isConfiguration == refusal.isConfiguration)
  }
}

@Suite struct `A refusal within the snapshot's stream` {
  @Test(arguments: GatewayStream.ErrorShape.allCases, AuthenticationRefusal.stream)
  func `is told as one before it would be`(
    shape: GatewayStream.ErrorShape, refusal: AuthenticationRefusal
  ) throws {
    let stream = GatewayStream(lines: [.error(shape, code: 2, message: refusal.message)])
    let error = try #require(throws: SnapshotError.self) {
      try PulledSnapshot(.snapshot(stream))
    }
    #expect(error.description.hasSuffix("broke the snapshot off: \(refusal.message)"))
    #expect(error.hint?.contains(refusal.hint) == true)
    #expect(error.isConfiguration == refusal.isConfiguration)
  }

  @Test func `is worth retrying where it concerns no user`() throws {
    let stream = GatewayStream(lines: [
      .error(.v1, code: 14, message: "etcdserver: request timed out")
    ])
    let error = try #require(throws: SnapshotError.self) {
      try PulledSnapshot(.snapshot(stream))
    }
    #expect(error.hint?.contains("quorum") == true)
    #expect(!error.isConfiguration)
  }
}

@Suite struct `Secrets of etcd` {
  /// Everything that Swift can print of a value.
  private func prints(of value: Any) -> String {
    var dumped = ""
    dump(value, to: &dumped)
    return "\(value) \(String(reflecting: value)) \(dumped)"
  }

  @Test func `do not print`() {
    #expect(!prints(of: root).contains("hunter2"))
    #expect(!prints(of: [root]).contains("root"))
    #expect(prints(of: root).hasPrefix("<etcd credentials>"))
  }

  /// What a proxy may put into its error page.
  static let echo = #"{"name":"root","password":"hunter2"}"#

  static let damages: [(String, ScriptedServer.Reply)] = [
    ("auth/authenticate", .response(200, json: #"{"token":["\#(token)"]}"#)),
    ("auth/authenticate", .response(200, text: "\(token)")),
    ("auth/authenticate", .response(500, text: "oops")),
    ("auth/authenticate", .response(200, text: echo)),
    ("auth/authenticate", .response(400, text: "<h1>Bad Request</h1> \(echo)")),
    ("auth/authenticate", .response(413, json: echo)),
    ("auth/authenticate", .response(502, text: "upstream refused \(echo)")),
    ("auth/authenticate", [.close]),
    ("kv/range", .response(200, text: "<html>")),
    ("kv/range", ScriptedMember.fault(16, "etcdserver: invalid auth token", status: 401)),
    ("maintenance/snapshot", .response(500, text: "oops")),
    ("maintenance/snapshot", [.reset]),
  ]

  @Test(arguments: damages)
  func `stand in no error`(call: String, reply: ScriptedServer.Reply) throws {
    let member = ScriptedMember { asked, _ in
      if asked == call { return reply }
      return asked == "auth/authenticate"
        ? .response(200, json: #"{"token":"\#(token)"}"#) : nil
    }
    let cluster = try EtcdCluster(member, credentials: root)
    let error = try #require(throws: EtcdError.self) {
      _ = try cluster.chooseMember().openSnapshot(checkingPages: false)
    }
    let told = prints(of: error) + (error.hint ?? "")
    #expect(!told.contains("hunter2"))
    #expect(!told.contains(token))
  }
}
