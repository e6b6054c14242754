// A member whose own database is broken is named, and another one takes its place.

import Digests
import Etcd
import Hints
import HTTP
import SnapshotFile
import Testing
import TestSupport

@Suite struct `A member with a broken database` {
  /// Its root page says that it is another page.
  static let unsound: [UInt8] = {
    var database = SnapshotFixture.database
    database[8192] ^= 1
    return database
  }()

  private static func member(_ id: UInt64, index: UInt64, _ database: [UInt8]) -> ScriptedMember {
    ScriptedMember(
      MemberText(id: id, revision: 6, index: index),
      snapshot: .snapshot(GatewayStream(of: database)))
  }

  private static func take(_ member: ChosenMember) throws(SnapshotError) -> VerifiedSnapshot {
    var snapshot: Snapshot
    do { snapshot = try member.openSnapshot(checkingPages: true) } catch { fatalError("\(error)") }
    while try snapshot.advance() {}
    return try snapshot.finish().file
  }

  @Test func `is named, with what to do until it is mended`() throws {
    let member = Self.member(2, index: 64, Self.unsound)
    let chosen = try EtcdCluster(member).chooseMember()
    let error = try #require(throws: SnapshotError.self) { try Self.take(chosen) }
    #expect(error.isMembersOwn)
    #expect(
      error.description.hasPrefix(
        "the database of the member at \(member.server.url) is broken: the snapshot cannot be"))
    #expect(error.hint?.contains("replace that one. Until then leave its URL out of ") == true)
    #expect(error.hint?.hasSuffix("APP_BACKUP_ETCD_ENDPOINTS.") == true)
  }

  @Test func `gives way to the next best, one after the other`() throws {
    let members = [
      Self.member(2, index: 9000, Self.unsound),
      Self.member(3, index: 10, SnapshotFixture.database),
      Self.member(4, index: 500, Self.unsound),
    ]
    let cluster = try EtcdCluster(members[0], members[1], members[2])
    var broken: [ChosenMember] = []
    var chosen: ChosenMember? = try cluster.chooseMember()
    while let member = chosen {
      do {
        _ = try Self.take(member)
        break
      } catch {
        #expect(error.isMembersOwn)
        broken.append(member)
      }
      chosen = try cluster.chooseMember(insteadOf: broken)
    }
    #expect(broken.map(\.status.memberID) == [2, 4])
    #expect(chosen?.status.memberID == 3)
    #expect(chosen?.revision == 6)
  }

  @Test func `has nobody in its place where it is the only one`() throws {
    let member = Self.member(2, index: 64, Self.unsound)
    let dead = UnreachablePort(.refusing)
    let cluster = try EtcdCluster([member.server.url, member.server.url + "/", dead.url])
    let chosen = try cluster.chooseMember()
    let other = try cluster.chooseMember(insteadOf: [chosen])
    #expect(other?.status == nil)
  }

  @Test func `has nobody in its place where the run must stop`() throws {
    let (isSearching, asked) = (Flag(), Flag())
    let member = ScriptedMember { _, _ in
      guard isSearching.isRaised else { return nil }
      asked.raise()
      return [.hold]
    }
    let cluster = try EtcdCluster([member.server.url]) { asked.isRaised ? .terminated : nil }
    let chosen = try cluster.chooseMember()
    isSearching.raise()
    let error = try #require(throws: EtcdError.self) {
      _ = try cluster.chooseMember(insteadOf: [chosen])
    }
    #expect(error.stopReason == .terminated)
  }

  @Test func `is not blamed for what may have happened on the way`() throws {
    var stream = GatewayStream(of: SnapshotFixture.database)
    stream.lines.removeLast()
    let error = try #require(throws: SnapshotError.self) { try PulledSnapshot(stream) }
    #expect(!error.isMembersOwn)
  }
}
