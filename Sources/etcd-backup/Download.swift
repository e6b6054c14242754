// `etcd-backup download`: one stored backup to a file or to standard output.

internal import ArgumentParser
internal import Backup
internal import Glibc
internal import SnapshotFile

struct Download: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Download a backup and verify it.",
    discussion: """
      The file appears under its name only once it is complete, verified and on disk:
      its length, the SHA-256 at its end and the one in the blob's metadata all
      agree, and every page of the database is sound (APP_BACKUP_PAGE_CHECK). Until
      then it has no name, or .NAME.partial where the file system needs one. With
      --file - the bytes are out before they are verified: only exit status 0 says
      that they are a backup.

      \(Help.identities)
      What is written is the snapshot, as etcd sent it: an encrypted or compressed
      backup is decoded. --raw writes the blob as it is stored, for age and zstd;
      without an identity it is only compared with its SHA-256 in the metadata.

      The result is printed on standard output, the log goes to standard error.

      \(Help.storeVariables)
      For the recorded backup it needs APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING as
      well. After a break of the history, when etcd was wiped, restored or replaced,
      BACKUP must be a name: otherwise the two that may be meant are shown.

      \(Help.exitStatuses(of: [
        (.success, "downloaded and verified"),
        (.failed, "not downloaded, damaged or interrupted; nothing is left behind"),
        (.usage, "wrong command line"),
        (.configuration, "configuration or permission is wrong, no identity fits, the file exists, or BACKUP must be named"),
        (.terminated, "stopped by a signal; nothing is left behind"),
      ]))
      """)

  @Argument(help: BackupName.help)
  var backup: BackupName?

  // Not required by the parser: a path that is given to --output has a message of its own.
  @Option(help: "The file to write, or - for standard output.", completion: .file())
  var file: String?

  @Flag(help: "Replace the file if it exists.")
  var force = false

  @Flag(help: "Write the blob as it is stored, encrypted and compressed.")
  var raw = false

  @OptionGroup var identity: IdentityOption

  @Option(name: .shortAndLong, help: BackupOutputFormat.help)
  var output: FormatOrPath?

  func validate() throws {
    if case .path(let path) = output {
      throw ValidationError(
        "--output is the format of the result: table, json, yaml or name. To write the backup to "
          + "\(path == "-" ? "standard output" : path), type: \(command(writing: path))")
    }
    guard let file, !file.isEmpty else {
      throw ValidationError("--file is missing: say --file FILE, or --file - for a pipe.")
    }
    guard file == "-" else { return }
    if output != nil || force {
      throw ValidationError("--output and --force make no sense with --file -.")
    }
    if isatty(STDOUT_FILENO) == 1 {
      throw ValidationError("--file - would write a database to the terminal: redirect it.")
    }
  }

  private var choice: BackupChoice { backup?.choice ?? .recorded }

  func run() throws {
    try Session.withStore(failing: "nothing downloaded", needingRecord: choice == .recorded) {
      session, store in
      let path = try store.pathToRestore(of: choice)
      let identities = try store.identities(inFiles: identity.files)
      let backup: ReadBackup
      if let file, file != "-" {
        backup = try store.download(
          path, raw: raw, with: identities, to: file, replacing: force)
        try print(Result(backup, isRaw: raw, file: file), to: session.output)
      } else {
        backup = try store.downloadToStandardOutput(path, raw: raw, with: identities)
      }
      session.leave(TerminationMessage.render(backup))
      return .success
    }
  }

  /// This command line as it should be, for a shell.
  private func command(writing path: String) -> String {
    let isPlain =
      !path.isEmpty && path.allSatisfy { $0.isLetter || $0.isNumber || "-_./".contains($0) }
    let quoted = isPlain ? path : "'" + path.replacing("'", with: #"'\''"#) + "'"
    let words = ["etcd-backup download", backup?.text, "--file", quoted, force ? "--force" : nil]
    return words.compactMap { $0 }.joined(separator: " ")
  }

  private func print(_ result: Result, to standardOutput: StandardOutput) throws {
    switch output?.format ?? .table {
    case .table: try standardOutput.lines(result.lines)
    case .json: try standardOutput.write(DocumentFormat.json.encode(result))
    case .yaml: try standardOutput.write(DocumentFormat.yaml.encode(result))
    case .name: try standardOutput.line(result.path)
    }
  }
}

/// A format, or what `--output` of this command once took: the file to write.
enum FormatOrPath: ExpressibleByArgument {
  case format(BackupOutputFormat)
  case path(String)

  init(argument: String) {
    self = BackupOutputFormat(argument: argument).map { .format($0) } ?? .path(argument)
  }

  static var defaultCompletionKind: CompletionKind { BackupOutputFormat.defaultCompletionKind }

  fileprivate var format: BackupOutputFormat? {
    if case .format(let format) = self { format } else { nil }
  }
}

extension Download {
  private struct Result: Encodable {
    let path: String
    let file: String
    /// Of the file.
    let bytes: Int
    let sha256: String
    /// `age` or `zstd`, or both, where the file is encoded so.
    let encoding: String?
    let etcdVersion: String?
    let revision: UInt64?
    /// Of the database: `sound`, `undecided`, `off` where they were not checked, or `not-decrypted`.
    let pages: String
    let records: Int?
    let time: String
    let seconds: Double

    init(_ backup: ReadBackup, isRaw: Bool, file: String) {
      self.file = file
      let details: BackupDetails
      let duration: Duration
      switch backup {
      case .whole(let verified):
        (details, duration) = (verified.details, verified.duration)
        path = "\(verified.path)"
        bytes = isRaw ? details.size : verified.snapshotSize
        sha256 = isRaw ? verified.sha256 : verified.snapshotSHA256
        revision = verified.revision
        pages = verified.pages.verdict
        records = verified.pages.report?.totalRecords
      case .undecrypted(let stored):
        (details, duration) = (stored.details, stored.duration)
        path = "\(stored.path)"
        bytes = details.size
        sha256 = stored.sha256
        revision = details.revision
        pages = "not-decrypted"
        records = nil
      }
      encoding = isRaw ? details.encoding?.text : nil
      etcdVersion = details.etcdVersion
      time = Timestamp.format(details.lastModified)
      seconds = Double(duration.secondsText) ?? 0
    }

    var lines: [String] {
      Output.list([
        ("backup", path), ("file", file), ("bytes", "\(bytes)"), ("sha256", sha256),
        ("encoding", encoding), ("etcd version", etcdVersion),
        ("revision", revision.map { "\($0)" }),
        ("records", records.map { "\($0)" }), ("pages", pages), ("stored", time),
      ])
    }
  }
}
