// Whether a member serves: what tells of its quorum, and what does not.

import Etcd
import HTTP
import TestSupport
import Testing

@Suite struct `A survey of members` {
  static let nobody = ScriptedMember.fault(3, "etcdserver: user name is empty", status: 400)

  private func health(
    _ credentials: Etcd.Credentials? = nil, answering handler: @escaping ScriptedMember.Handler
  ) throws -> MemberHealth {
    let member = ScriptedMember(answering: handler)
    return try #require(EtcdCluster(member, credentials: credentials).survey().first).health
  }

  @Test func `finds one serving that answers a read`() throws {
    let health = try health { call, _ in
      call == "kv/range"
        ? .response(200, json: #"{"header":{"revision":"61"},"count":"7"}"#) : nil
    }
    guard case .serving("3.4.23", let count) = health else {
      Issue.record("\(health)")
      return
    }
    #expect([count.keys, count.revision] == [7, 61])
  }

  @Test func `finds one serving that refuses a read for want of a user`() throws {
    let open = try health { call, _ in call == "kv/range" ? Self.nobody : nil }
    let closed = try health { _, _ in Self.nobody }
    for health in [open, closed] {
      #expect(health.serves)
      guard case .unauthorized(let error) = health else {
        Issue.record("\(health)")
        continue
      }
      #expect(error.lacksCredentials)
      #expect(error.description.contains("refused kv/range"))
    }
  }

  @Test func `finds none serving that only keeps its status to itself`() throws {
    let health = try health { call, _ in
      call == "kv/range"
        ? ScriptedMember.fault(14, "etcdserver: request timed out", status: 503) : Self.nobody
    }
    #expect(!health.serves)
    guard case .unreachable(let error) = health else { return }
    #expect(error.description.contains("request timed out"))
  }

  @Test func `finds one serving that refuses a password`() throws {
    let wrong = Etcd.Credentials(username: "root", password: "of today")
    let health = try health(wrong) { call, _ in
      call == "auth/authenticate"
        ? ScriptedMember.fault(
          3, "etcdserver: authentication failed, invalid user ID or password", status: 400)
        : Self.nobody
    }
    guard case .unauthorized(let error) = health else {
      Issue.record("\(health)")
      return
    }
    #expect(!error.lacksCredentials)
  }

  @Test func `finds none serving that cannot sign anybody in`() throws {
    let root = Etcd.Credentials(username: "root", password: "of today")
    let health = try health(root) { call, _ in
      call == "auth/authenticate"
        ? ScriptedMember.fault(14, "etcdserver: request timed out", status: 503) : Self.nobody
    }
    #expect(!health.serves)
  }
}
