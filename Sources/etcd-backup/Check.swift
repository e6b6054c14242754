// `etcd-backup check`: can a backup be taken, recorded and restored? Writes one block, which never becomes a blob.

internal import ArgumentParser
internal import Backup
internal import FoundationEssentials

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Contact everything that a run contacts; no blob and no record changes.",
    discussion: """
      Takes the environment of a run and asks, with its credentials: is the
      configuration right; does Kubernetes accept us, may we read the Secrets and
      write the record; does each etcd endpoint answer, is it up to date, and may
      we take a snapshot; whose credential opens the store, and until when; may we
      list, write, read and delete in the container; does the clock agree with the
      store's; is the recorded backup there; and what will retention delete. What
      passes was tried, and the line says what was.

      To learn whether a snapshot may be taken, one is begun and let go of after its
      first message. To learn whether blobs may be written, one block of one byte is
      staged under a random name, PREFIX/check-…; it is never committed, so it never
      becomes a blob. To learn whether blobs may be deleted, that name is deleted. A
      store that keeps the block all the same discards it after a week.

      \(Help.exitStatuses(of: [
        (.success, "nothing was found that a run or a restore would fail at; see the warnings"),
        (.failed, "a run, or a restore of the recorded backup, would fail; retrying may help"),
      ] + Help.usualStatuses))
      """)

  @Option(name: .shortAndLong, help: OutputFormat.help)
  var output = OutputFormat.table

  func run() throws {
    let environment = ProcessInfo.processInfo.environment
    let configuration: Configuration
    do throws(ConfigurationError) {
      configuration = try Session.parse(environment, Configuration.init)
    } catch {
      let findings = Finding.findings(of: error)
      var status = ExitCode.failure
      try Output.print { output in
        let results = Findings(output)
        for finding in findings { tell(finding, results) }
        status = try end(findings, results, output)
      }
      throw status
    }
    let session = Session(configuration.store, failing: "not checked")
    let results = Findings(session.output)
    try session.conclude {
      let preflight = Preflight(
        configuration, environment: environment, deadline: session.deadline,
        log: session.log,
        tell: { tell($0, results) })
      try preflight.run()
      throw try end(preflight.findings, results, session.output)
    }
  }

  /// For people each finding is a line as soon as it is known.
  private func tell(_ finding: Finding, _ results: Findings) {
    guard output == .table else { return }
    let remedy = finding.remedy.map { " (\($0))" } ?? ""
    results.line("\(finding.outcome.rawValue)  \(finding.subject): \(finding.detail)\(remedy)")
  }

  private func end(
    _ findings: [Finding], _ results: Findings, _ standardOutput: StandardOutput
  ) throws -> ExitCode {
    try results.check()
    if let format = output.document { try standardOutput.write(format.encode(Report(findings))) }
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
