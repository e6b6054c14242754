/// `etcd-backup check`: can a backup be taken, recorded and restored? Changes nothing.

internal import ArgumentParser
internal import Backup
internal import FoundationEssentials
internal import Glibc

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Contact everything that a run contacts, and change nothing.",
    discussion: """
      Takes the environment of a run and asks, with its credentials: is the
      configuration right; does Kubernetes accept us, may we read the Secrets and
      write the record; does each etcd endpoint answer, is it up to date, and may
      we take a snapshot; may we read and write the container; does the clock agree
      with the store's; is the recorded backup there; and what will retention delete.

      To learn whether a snapshot may be taken, one is begun and let go of after its
      first message. To learn whether blobs may be written, one block is staged under
      a name of its own, PREFIX/check-…, and taken away again; it never becomes a
      blob.

      \(Help.exitStatuses(of: [
        (.success, "a run can succeed; there may be warnings"),
        (.failed, "a run would fail; another try may help"),
      ] + Help.usualStatuses))
      """)

  @Option(help: "How to print the result: table or json.")
  var output = OutputFormat.table

  func run() throws {
    let environment = ProcessInfo.processInfo.environment
    let configuration: Configuration
    do throws(ConfigurationError) {
      configuration = try Session.parse(environment, Configuration.init)
    } catch {
      let findings = Finding.findings(of: error)
      for finding in findings { tell(finding) }
      throw end(findings)
    }
    let session = Session(configuration.store, failing: "not checked")
    try session.conclude {
      let preflight = Preflight(
        configuration, environment: environment, patience: session.patience, tell: tell)
      try preflight.run()
      throw end(preflight.findings)
    }
  }

  /// For people each finding is a line as soon as it is known.
  private func tell(_ finding: Finding) {
    guard output == .table else { return }
    let remedy = finding.remedy.map { " (\($0))" } ?? ""
    Output.line(
      "\(finding.outcome.rawValue)  \(finding.subject): \(finding.detail)\(remedy)",
      to: STDOUT_FILENO)
  }

  private func end(_ findings: [Finding]) -> ExitCode {
    if output == .json { print(Output.json(Report(findings))) }
    return ExitCode(ExitStatus(findings).rawValue)
  }
}

extension Check {
  private struct Report: Encodable {
    struct Row: Encodable {
      let outcome: String
      let subject: String
      let detail: String
      let remedy: String?
    }

    /// Of all findings, the worst outcome.
    let outcome: String
    let checks: [Row]

    init(_ findings: [Finding]) {
      checks = findings.map {
        Row(
          outcome: $0.outcome.rawValue, subject: $0.subject, detail: $0.detail, remedy: $0.remedy)
      }
      let worst = Finding.Outcome.allCases.last { outcome in
        findings.contains { $0.outcome == outcome }
      }
      outcome = (worst ?? .pass).rawValue
    }
  }
}
