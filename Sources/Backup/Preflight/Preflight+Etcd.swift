// The preflight's questions to etcd: each endpoint by itself, then the cluster as a run sees it.

internal import Etcd
internal import Hints
internal import HTTP

extension Preflight {
  func checkMembers(of etcd: EtcdCluster) throws {
    var examinations: [EndpointCheck] = []
    var failures: [(endpoint: Endpoint, error: EtcdError)] = []
    for endpoint in configuration.endpoints {
      do throws(EtcdError) {
        examinations.append(try etcd.examine(endpoint))
      } catch {
        if error.stopReason != nil { throw error }
        failures.append((endpoint, error))
      }
    }
    for (endpoint, error) in failures {
      // A run is content with the others, where there are any.
      let outcome: Finding.Outcome = examinations.isEmpty ? .fail : .warn
      add(
        Finding(
          outcome, "etcd \(endpoint)", error.description, remedy: error.hint,
          isConfiguration: error.isConfiguration))
    }
    guard !examinations.isEmpty else { return }
    for examination in examinations { tell(of: examination) }
    do throws(EtcdError) {
      let ranked = try MemberChoice.ranked(examinations.map(\.status))
      add(.pass, "etcd cluster", "a run now would ask \(ranked[0].endpoint) first")
    } catch {
      add(Finding("etcd cluster", error))
    }
  }

  private func tell(of member: EndpointCheck) {
    let subject = "etcd \(member.status.endpoint)"
    switch member.snapshotProblem {
    case .refused(let error)?: return add(Finding(subject, error))
    case .broken(let error)?: return add(Finding(subject, error))
    case nil: break
    }
    let status = member.status
    let facts = [
      "etcd \(status.version)", "member \(String(status.memberID, radix: 16))",
      status.isLearner ? "learner" : status.isLeader ? "leader" : "follower",
      "revision \(status.revision)", ByteCount.describe(status.databaseSize),
      "through \(member.transportName)",
    ].joined(separator: ", ")
    let concerns = concerns(about: member)
    if concerns.isEmpty { add(.pass, subject, facts) }
    for concern in concerns {
      add(.warn, subject, "\(facts): \(concern.text)", remedy: concern.remedy)
    }
  }

  /// What does not keep a backup from being taken. A corrupt member does: that is the cluster's
  /// affair.
  private func concerns(about member: EndpointCheck) -> [(text: String, remedy: String?)] {
    let status = member.status
    var concerns: [(text: String, remedy: String?)] = []
    if status.isLearner {
      concerns.append(("a learner is never backed up", "Name the voting members as well."))
    }
    if let problem = member.quorumProblem {
      concerns.append(
        ("it cannot show that it is up to date: \(problem)", problem.hint))
    }
    if status.isOutOfSpace {
      concerns.append(
        ("out of space", "Compact, defragment, then etcdctl alarm disarm."))
    }
    if let fallback = member.fallback {
      concerns.append(("no native gRPC: \(fallback)", fallback.hint))
    }
    if Self.mayCorruptData(status.version) {
      concerns.append(
        ("this release can corrupt data when it is killed", "Upgrade to 3.5.3 or later."))
    }
    return concerns
  }

  /// 3.5.0 to 3.5.2; see https://etcd.io/blog/2022/v3.5-data-inconsistency/ .
  static func mayCorruptData(_ version: String) -> Bool {
    ["3.5.0", "3.5.1", "3.5.2"].contains(version)
  }
}
