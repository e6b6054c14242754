/// `etcd-backup inspect`: what is in a local database file, beside what etcd's own tool would say.

internal import ArgumentParser
internal import Backup
internal import Bolt
internal import Glibc

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prove a local database file sound and show what is inside.",
    discussion: """
      Takes a downloaded backup, a snapshot saved by etcdctl, or the file of a stopped member
      (member/snap/db). Needs no configuration and contacts nothing.

      EXIT STATUS:
      0    sound, and its SHA-256 is right or absent
      1    unsound, damaged or unreadable
      """)

  @Argument(help: "The file.")
  var file: String

  @Option(help: "table or json.")
  var output: OutputFormat = .table

  func run() throws {
    let inspection: FileInspection
    do throws(BoltError) {
      inspection = try FileInspection(path: file)
    } catch {
      Output.line("\(file): \(error)", to: STDERR_FILENO)
      if let hint = error.hint { Output.line("hint: \(hint)", to: STDERR_FILENO) }
      throw ExitCode(ExitStatus.failed.rawValue)
    }
    switch output {
    case .json: Output.line(Output.json(inspection), to: STDOUT_FILENO)
    case .table: Output.line(Self.table(inspection), to: STDOUT_FILENO)
    }
    guard inspection.trailer != .wrong else { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  private static func table(_ inspection: FileInspection) -> String {
    let (status, database) = (inspection.status, inspection.database)
    let trailer =
      switch inspection.trailer {
      case .right: "right"
      case .wrong: "WRONG: the file was damaged after etcd sent it"
      case .absent: "absent: etcdctl snapshot restore needs --skip-hash-check=true"
      }
    let hash = String(status.hash, radix: 16)
    return Output.list([
      (
        "pages",
        "sound: \(database.pageCount) of \(database.pageSize) bytes, \(database.pagesInUse) in use"
      ),
      ("sha-256", trailer),
      ("revision", "\(database.revision)"),
      ("compacted at", database.compactRevision == 0 ? nil : "\(database.compactRevision)"),
      ("live keys", "\(status.liveKeys)"),
      ("leases", "\(database.leaseCount)"),
      ("authentication", database.isAuthEnabled ? "on" : "off"),
      ("members", database.members.map { "\($0.id) \($0.name)" }.joined(separator: ", ")),
      ("cluster version", database.clusterVersion),
      ("storage version", database.storageVersion),
      ("consistent index", database.consistentIndex.map { "\($0)" }),
      ("raft term", database.term.map { "\($0)" }),
      ("records", database.buckets.map { "\($0.name) \($0.records)" }.joined(separator: ", ")),
      (
        "snapshot status",
        "\(hash), \(status.revision), \(status.totalRecords), \(status.totalSize) bytes"
          + " (etcd 3.6 counts \(status.liveKeys) keys)"
      ),
    ])
  }
}
