// What becomes of a snapshot whose database holds alarms, which etcd 3.3 tells in no other way.

import Bolt
import BoltTestSupport
import Digests
import Etcd
import TestSupport
import Testing

@Suite struct `A snapshot with an alarm` {
  /// What a run makes of the database of a member that says nothing of alarms in its status.
  private func proof(of database: [UInt8], checkingPages: Bool = true) throws -> SnapshotProof {
    let member = ScriptedMember(snapshot: .snapshot(GatewayStream(of: database)))
    var snapshot = try EtcdCluster(member).chooseMember().openSnapshot(
      checkingPages: checkingPages)
    while try snapshot.next() != nil {}
    return try snapshot.finish()
  }

  static let corrupt = BoltTestSupport.Etcd.store(
    alarms: [BoltTestSupport.Etcd.alarm(2, of: 0x91BC)])

  @Test func `M4: CORRUPT is refused`() throws {
    let error = try #require(throws: SnapshotError.self) { try proof(of: Self.corrupt) }
    guard case .corrupt = error else {
      Issue.record("\(error)")
      return
    }
    #expect(
      error.description
        == "etcd reports a corrupt member (CORRUPT of member 91bc), so its data is not to be trusted"
    )
    #expect(error.hint?.contains("disarm the alarm") == true)
    #expect(!error.isConfiguration)
  }

  @Test func `M4: CORRUPT is taken where pages are not looked into`() throws {
    #expect(try proof(of: Self.corrupt, checkingPages: false).pages == .off)
  }

  @Test func `M4: CORRUPT that was stored all the same is whole`() throws {
    let file = Self.corrupt + SHA256.digest(of: Self.corrupt).bytes
    var prover = SnapshotProver(checkingPages: true)
    try prover.update(unsafe file.span.bytes)
    #expect(try prover.finish().pages.report?.corruptAlarm?.member == "91bc")
  }

  @Test func `M4: NOSPACE is taken, and tells of it`() throws {
    let database = BoltTestSupport.Etcd.store(alarms: [BoltTestSupport.Etcd.alarm(1, of: 7)])
    #expect(try proof(of: database).pages.report?.isOutOfSpace == true)
  }
}
