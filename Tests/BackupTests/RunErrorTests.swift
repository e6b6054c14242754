// Exit statuses: an interface that Jobs and scripts depend on.

import Azure
import Backup
import Etcd
import Hints
import HTTP
import Kubernetes
import SnapshotFile
import Testing

@Suite struct `An exit status` {
  @Test func `is one of those that are documented`() {
    #expect(
      Backup.ExitStatus.allCases.map(\.rawValue) == [0, 1, 2, 3, 64, 78, 143])
    #expect(Backup.ExitStatus.allCases.allSatisfy { !$0.meaning.isEmpty })
  }
}

@Suite struct `A failure` {
  struct Foreign: OperatorError {
    var description: String { "it broke" }
    var hint: String? = "mend it"
    var isConfiguration = false
    var stopReason: StopReason?
  }

  struct Unexplained: Error, CustomStringConvertible {
    let description = "nobody knows"
  }

  static let stages = Stage.allCases
  static let beforeRecord = stages.filter { $0 < .record }

  @Test func `belongs to a stage, and stages are in order`() {
    #expect(Self.stages.shuffled().sorted() == Self.stages)
    #expect(
      Self.stages.map(\.rawValue) == [
        "configuration", "secrets", "container", "member", "snapshot", "commit", "check", "record",
        "retention",
      ])
  }

  @Test(arguments: beforeRecord)
  func `before the record is worth retrying`(stage: Stage) {
    let error = RunError(Foreign(), in: stage)
    #expect(error.status == .failed)
    #expect(error.cause == "it broke")
    #expect(error.hint == "mend it")
    #expect(error.description == error.cause)
    #expect(error.stage == stage)
  }

  @Test(arguments: beforeRecord)
  func `before the record is final where the configuration is wrong`(stage: Stage) {
    #expect(RunError(Foreign(isConfiguration: true), in: stage).status == .configuration)
  }

  @Test(arguments: beforeRecord)
  func `before the record is the signal's where there was one`(stage: Stage) {
    #expect(RunError(Foreign(stopReason: .terminated), in: stage).status == .terminated)
    #expect(
      RunError(Foreign(isConfiguration: true, stopReason: .terminated), in: stage).status
        == .terminated)
  }

  @Test(arguments: beforeRecord)
  func `before the record is worth retrying where time ran out`(stage: Stage) {
    #expect(RunError(Foreign(stopReason: .deadline), in: stage).status == .failed)
  }

  @Test(arguments: [Stage.record, .retention])
  func `C1: from the record on leaves a backup behind, whatever the reason`(stage: Stage) {
    let errors: [any Error] = [
      Foreign(), Foreign(isConfiguration: true), Foreign(stopReason: .terminated),
      Foreign(stopReason: .deadline), Unexplained(),
    ]
    #expect(errors.allSatisfy { RunError($0, in: stage).status == .incomplete })
  }

  @Test func `that nobody foresaw is told in its own words`() {
    let error = RunError(Unexplained(), in: .snapshot)
    #expect(error.status == .failed)
    #expect(error.cause == "nobody knows")
  }

  @Test(arguments: Stage.allCases)
  func `always says what to do, but for a signal`(stage: Stage) {
    let failures = [RunError(Unexplained(), in: stage), RunError(Foreign(hint: nil), in: stage)]
    #expect(failures.allSatisfy { $0.hint?.isEmpty == false })
    #expect(CommandError(Unexplained()).hint != nil)
    #expect(CommandError(Foreign(hint: nil)).hint != nil)
    #expect(CommandError(Foreign(stopReason: .terminated)).hint == nil)
  }

  // MARK: What really happens

  @Test func `of etcd, the store or Kubernetes keeps cause and hint`() throws {
    let endpoint = try #require(Endpoint("https://etcd-0.etcd"))
    let etcd = EtcdError.noGateway(endpoint: endpoint)
    #expect(RunError(etcd, in: .member).status == .configuration)
    #expect(RunError(etcd, in: .member).hint == etcd.hint)
    let snapshot = SnapshotError.file(.truncated(received: 5, expected: 20))
    #expect(RunError(snapshot, in: .snapshot).status == .failed)
    #expect(RunError(snapshot, in: .snapshot).cause == snapshot.description)
    let blob = try BlobName("a/b")
    #expect(RunError(AzureError.nameTaken(blob), in: .commit).status == .failed)
    let missing = KubernetesError.notInCluster(missing: "KUBERNETES_SERVICE_HOST")
    #expect(RunError(missing, in: .secrets).status == .configuration)
  }

  @Test func `M4: of a corrupt member is not the configuration's`() {
    #expect(RunError(EtcdError.corrupt(alarm: "CORRUPT"), in: .member).status == .failed)
  }

  @Test(arguments: [
    (StopReason.terminated, Backup.ExitStatus.terminated), (.deadline, .failed),
  ])
  func `U12: of a transfer that was stopped is told apart by the reason`(
    reason: StopReason, status: Backup.ExitStatus
  ) throws {
    let endpoint = try #require(Endpoint("https://etcd-0.etcd"))
    let transfer = TransferError(.stopped(reason), request: "POST https://a/b", detail: "")
    #expect(
      RunError(SnapshotError.interrupted(received: 5, transfer), in: .snapshot).status == status)
    #expect(
      RunError(EtcdError.unreachable(endpoint: endpoint, transfer), in: .member).status == status)
    let both = EtcdError.noUsableEndpoint([
      .noGateway(endpoint: endpoint), .unreachable(endpoint: endpoint, transfer),
    ])
    #expect(RunError(both, in: .member).status == status)
  }

  @Test func `J13 of a stop asks nothing about etcd, proxies or the network`() {
    let stopped = TransferError(.stopped(.terminated), request: "POST /snapshot", detail: "")
    let late = TransferError(.stopped(.deadline), request: "POST /snapshot", detail: "")
    #expect(
      RunError(SnapshotError.interrupted(received: 7, stopped), in: .snapshot).hint == nil)
    #expect(
      SnapshotError.interrupted(received: 7, late).hint?.contains("APP_BACKUP_TIMEOUT") == true)
    #expect(SnapshotError.interrupted(received: 7, stopped).hint == nil)
  }
}
