// `etcd-backup download`: one stored backup to a file or to standard output.

internal import ArgumentParser
internal import Backup
internal import Console
internal import Glibc
internal import SnapshotFile

struct Download: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Download a backup and prove it whole.",
    discussion: """
      The file appears under its name only once it is complete, verified and on disk:
      its length, the SHA-256 at its end and the one in the blob's metadata all
      agree, and every page of the database is sound (APP_BACKUP_PAGE_CHECK). Until
      then it has no name, or .NAME.partial where the file system needs one. With
      --output - the bytes are out before they are verified: only exit status 0 says
      that they are a backup.

      The result is printed on standard output, the log goes to standard error.

      \(Help.storeVariables)
      Without BACKUP it needs APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING as well. After
      a break of the history, when etcd was wiped, restored or replaced, BACKUP must
      be named: without it, the two that may be meant are shown.

      \(Help.exitStatuses(of: [
        (.success, "downloaded and verified"),
        (.failed, "not downloaded, damaged or interrupted; nothing is left behind"),
        (.usage, "wrong command line"),
        (.configuration, "configuration or permission is wrong, the file exists, or BACKUP must be named"),
        (.terminated, "stopped by a signal; nothing is left behind"),
      ]))
      """)

  @Argument(help: BackupName.help)
  var backup: BackupName?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write; - is standard output.", valueName: "file"))
  var output: String

  @Flag(help: "Replace the file if it exists.")
  var force = false

  @Flag(help: "Print the result as JSON; elsewhere this is --output json.")
  var json = false

  private var isStandardOutput: Bool { output == "-" }

  func validate() throws {
    if output.isEmpty { throw ValidationError("--output needs the name of a file, or -.") }
    if output == "json" {
      throw ValidationError(
        "--output names a file here: say --json for the result as JSON, or ./json for the file.")
    }
    if isStandardOutput, json || force {
      throw ValidationError("--json and --force make no sense with --output -.")
    }
    if isStandardOutput, isatty(STDOUT_FILENO) == 1 {
      throw ValidationError("--output - would write a database to the terminal: redirect it.")
    }
  }

  func run() throws {
    try Session.withStore(failing: "nothing downloaded", needingRecord: backup == nil) {
      session, store in
      let path = try store.pathToRestore(of: backup?.text)
      let verified: VerifiedBackup
      if isStandardOutput {
        verified = try store.downloadToStandardOutput(path)
      } else {
        verified = try store.download(path, to: output, replacing: force)
        try session.output.write(Result(verified, file: output).rendered(asJSON: json))
      }
      session.leave(TerminationMessage.render(verified))
      return .success
    }
  }
}

extension Download {
  private struct Result: Encodable {
    let path: String
    let file: String
    let bytes: Int
    let sha256: String
    let etcdVersion: String?
    let revision: UInt64?
    /// Of the database: `sound`, `undecided`, or `off` where they were not checked.
    let pages: String
    let records: Int?
    let time: String
    let seconds: Double

    init(_ verified: VerifiedBackup, file: String) {
      path = "\(verified.path)"
      self.file = file
      bytes = verified.details.size
      sha256 = verified.sha256
      etcdVersion = verified.details.etcdVersion
      revision = verified.revision
      pages = verified.pages.verdict
      records = verified.pages.report?.totalRecords
      time = Timestamp.format(verified.details.lastModified)
      seconds = Double(verified.duration.secondsText) ?? 0
    }

    func rendered(asJSON: Bool) -> String {
      if asJSON { return Output.json(self) + "\n" }
      return Output.list([
        ("backup", path), ("file", file), ("bytes", "\(bytes)"), ("sha256", sha256),
        ("etcd version", etcdVersion), ("revision", revision.map { "\($0)" }),
        ("records", records.map { "\($0)" }), ("pages", pages), ("stored", time),
      ]).map { Printable.text($0) + "\n" }.joined()
    }
  }
}
