// `etcd-backup version`: what an issue about this program should name.

internal import ArgumentParser
internal import Backup
internal import CProcess

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version",
    abstract: "Show version, commit, and the libraries in use.",
    discussion: """
      The commit is unknown where the build did not say it (ETCD_BACKUP_COMMIT).
      etcd-backup --version prints the version alone.

      \(Help.exitStatuses(of: [(.success, "shown"), (.usage, "wrong command line")]))
      """)

  @Option(name: .shortAndLong, help: OutputFormat.help)
  var output = OutputFormat.table

  func run() throws {
    let report = Report()
    try Output.print { standardOutput in
      if let format = output.document {
        try standardOutput.write(format.encode(report))
      } else {
        try standardOutput.lines(report.lines)
      }
    }
  }

  private struct Report: Encodable {
    let version: String
    /// Absent where it is unknown.
    let commit: String?
    let libraries: [String: String]

    init() {
      version = Version.current
      let commit = unsafe String(cString: process_commit())
      self.commit = commit.isEmpty ? nil : commit
      libraries = Dictionary(uniqueKeysWithValues: Version.libraries.map { ($0.name, $0.version) })
    }

    var lines: [String] {
      Output.list(
        [("etcd-backup", version), ("commit", commit ?? "unknown")]
          + Version.libraries.map { ($0.name, $0.version) })
    }
  }
}
