// An etcd member played by a scripted server: right in everything that a test does not change.

import Etcd
import HTTP
import Synchronization
import TestSupport
import Testing

struct ScriptedMember {
  typealias Reply = ScriptedServer.Reply
  /// The answer to one call such as `maintenance/status`; `nil` is the usual one.
  typealias Handler = @Sendable (_ call: String, _ request: RecordedRequest) -> Reply?

  let server: ScriptedServer

  /// `prefix` is the only one under which the gateway answers, `/v3`.
  init(
    _ status: MemberText = MemberText(), prefix: String = "/v3",
    snapshot: Reply = .snapshot(GatewayStream(of: SnapshotFixture.database)),
    answering handler: @escaping Handler = { _, _ in nil }
  ) {
    server = ScriptedServer { request in
      guard request.method == "POST", request.path.hasPrefix("\(prefix)/") else {
        return .response(404, text: "404 page not found\n")
      }
      let call = String(request.path.dropFirst(prefix.utf8.count + 1))
      if let reply = handler(call, request) { return reply }
      return switch call {
      case "maintenance/status": .response(200, json: status.json)
      case "kv/range": .response(200, json: #"{"header":\#(status.header)}"#)
      case "maintenance/snapshot": snapshot
      case "auth/authenticate": Self.authenticationIsOff
      default: .response(404, json: #"{"code":5, "message":"Not Found"}"#)
      }
    }
  }

  static let authenticationIsOff = fault(
    9, "etcdserver: authentication is not enabled", status: 400)

  /// A failed unary call as etcd 3.3, 3.4 and upstream's 3.5 tell of it.
  static func fault(_ code: Int, _ message: String, status: Int) -> Reply {
    .response(status, json: #"{"error":"\#(message)","message":"\#(message)","code":\#(code)}"#)
  }

  /// The calls that came, without their prefix.
  var calls: [String] {
    server.requests.map { $0.path.split(separator: "/").dropFirst().joined(separator: "/") }
  }
}

/// What a member says of itself, in etcd 3.4's words.
struct MemberText {
  var id: UInt64 = 10_502_211_157_061_864_456
  var cluster: UInt64 = 2_886_598_408_405_227_459
  var revision: UInt64 = 61
  var term: UInt64 = 2
  var index: UInt64 = 64
  /// `nil`: no leader.
  var leader: UInt64? = 10_502_211_157_061_864_456
  var more = ""

  var header: String {
    #"{"cluster_id":"\#(cluster)","member_id":"\#(id)","revision":"\#(revision)","#
      + #""raft_term":"\#(term)"}"#
  }

  var json: String {
    #"{"header":\#(header),"version":"3.4.23","dbSize":"4513792","#
      + (leader.map { #""leader":"\#($0)","# } ?? "")
      + #""raftIndex":"\#(index)","raftTerm":"\#(term)","raftAppliedIndex":"\#(index)"\#(more)}"#
  }
}

extension EtcdCluster {
  /// The cluster behind these members or any other URLs.
  init(
    _ urls: [String], credentials: Etcd.Credentials? = nil, kind: EtcdTransport = .gateway,
    stall: Duration = .seconds(10), electionTimeout: Duration = .zero,
    stopReason: @escaping () -> StopReason? = { nil }
  ) throws {
    var connection = Connection()
    connection.timeouts.stall = stall
    self.init(
      endpoints: try urls.map { try #require(Endpoint($0)) }, credentials: credentials,
      kind: kind,
      transport: Transport(stopReason: stopReason), connection: connection,
      electionTimeout: electionTimeout)
  }

  init(_ members: ScriptedMember..., credentials: Etcd.Credentials? = nil) throws {
    try self.init(members.map(\.server.url), credentials: credentials)
  }
}

/// A whole snapshot, as it was handed out piece by piece.
struct PulledSnapshot {
  var bytes: [UInt8] = []
  let result: ReceivedSnapshot

  /// Asks a member for its snapshot and reads it to its end; throws as the stream does.
  init(
    from member: ScriptedMember, stall: Duration = .seconds(10),
    stopReason: @escaping () -> StopReason? = { nil }
  ) throws {
    let cluster = try EtcdCluster([member.server.url], stall: stall, stopReason: stopReason)
    var snapshot = try cluster.chooseMember().openSnapshot(checkingPages: false)
    var bytes: [UInt8] = []
    while try snapshot.advance() {
      snapshot.withBytes { unsafe $0.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) } }
    }
    result = try snapshot.finish()
    self.bytes = bytes
  }

  init(_ reply: ScriptedServer.Reply) throws {
    try self.init(from: ScriptedMember(snapshot: reply))
  }

  init(_ stream: GatewayStream) throws {
    try self.init(.snapshot(stream))
  }
}

/// Something that one thread raises and another sees.
final class Flag: Sendable {
  private let raised = Atomic(false)

  var isRaised: Bool { raised.load(ordering: .sequentiallyConsistent) }

  func raise() { raised.store(true, ordering: .sequentiallyConsistent) }
}
