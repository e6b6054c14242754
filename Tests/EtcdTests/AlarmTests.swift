// What becomes of a snapshot whose database holds alarms, which etcd 3.3 tells in no other way.

import Digests
import Etcd
import Hints
import SnapshotFile
import SnapshotFileTestSupport
import Testing
import TestSupport

@Suite struct `A snapshot with an alarm` {
  /// What a run makes of the database of a member that says nothing of alarms in its status.
  private func verified(from database: [UInt8], checkingPages: Bool = true) throws
    -> VerifiedSnapshot
  {
    let member = ScriptedMember(
      MemberText(revision: 2), snapshot: .snapshot(GatewayStream(of: database)))
    var snapshot = try EtcdCluster(member).chooseMember().openSnapshot(
      checkingPages: checkingPages)
    while try snapshot.advance() {}
    return try snapshot.finish().file
  }

  static let corrupt = SnapshotFileTestSupport.Etcd.store(
    alarms: [SnapshotFileTestSupport.Etcd.alarm(2, of: 0x91BC)])

  @Test func `M4: CORRUPT is refused`() throws {
    let error = try #require(throws: SnapshotError.self) { try verified(from: Self.corrupt) }
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
    #expect(try verified(from: Self.corrupt, checkingPages: false).pages == .off)
  }

  @Test func `M4: CORRUPT that was stored all the same is whole`() throws {
    let file = Self.corrupt + SHA256.digest(of: Self.corrupt).bytes
    var verifier = SnapshotVerifier(checkingPages: true)
    try verifier.update(unsafe file.span.bytes)
    #expect(try verifier.finish().pages.report?.corruptAlarm?.member == "91bc")
  }

  @Test func `M4: NOSPACE is taken, and tells of it`() throws {
    let database = SnapshotFileTestSupport.Etcd.store(alarms: [
      SnapshotFileTestSupport.Etcd.alarm(1, of: 7)
    ])
    #expect(try verified(from: database).pages.report?.isOutOfSpace == true)
  }
}
