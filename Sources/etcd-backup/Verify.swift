// `etcd-backup verify`: stored backups read back and verified whole, without using disk.

internal import ArgumentParser
internal import Backup
internal import SnapshotFile

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read stored backups back and verify them.",
    discussion: """
      Every byte is read, none is written to disk. A backup is whole if it is as long
      as the database in it says, ends with the SHA-256 of what comes before, has the
      SHA-256 that its metadata says, and if every page of the database is sound, as
      the run checked it that took the backup (APP_BACKUP_PAGE_CHECK).

      \(Help.identities)
      Where none fits, every byte is still read and compared with the SHA-256 in the
      metadata, but the database is not verified: that is exit status 3.

      --output name prints the paths of the backups that are whole, and no others.

      --record notes the newest backup that is whole, and when, beside the last
      success: backup-last-verified-path and backup-last-verified-time.

      \(Help.storeVariables)
      For the recorded backup, or with --record, it needs
      APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING as well.

      \(Help.exitStatuses(of: [
        (.success, "every backup asked for is whole"),
        (.failed, "one is damaged, missing or could not be read, or there is none at all"),
        (.incomplete, "every one is whole, but that could not be recorded"),
        (.undecrypted, "the stored bytes of all are whole, but one could not be decrypted"),
      ] + Help.usualStatuses))
      """)

  @Argument(help: BackupName.help)
  var backup: BackupName?

  @Flag(help: "Verify every backup under the prefix, newest first.")
  var all = false

  @Flag(help: "Note in the ConfigMap which backup is whole, and when.")
  var record = false

  @OptionGroup var identity: IdentityOption

  @Option(name: .shortAndLong, help: BackupOutputFormat.help)
  var output = BackupOutputFormat.table

  func validate() throws {
    if all, backup != nil { throw ValidationError("Name a backup or say --all, not both.") }
  }

  func run() throws {
    let needsRecord = record || (choice == .recorded && !all)
    try Session.withStore(failing: "not verified", needingRecord: needsRecord) { session, store in
      let identities = try store.identities(inFiles: identity.files)
      let paths = try paths(in: store)
      var report = try VerificationReport(output, to: session.output)
      var isNoted = true
      for path in paths {
        let isFirst = report.newestWhole == nil
        try report.add(try store.verify(path, with: identities))
        // At once: what may end the reading of the others does not make this one less whole.
        if record, isFirst, let newest = report.newestWhole {
          isNoted = note(newest.path, in: store, session)
        }
      }
      try report.end()
      if let newest = report.newestWhole { session.leave(TerminationMessage.render(newest)) }
      if let failure = report.newestFailure { session.leave(TerminationMessage.render(failure)) }
      guard report.status == .success else { return report.status }
      return isNoted ? .success : .incomplete
    }
  }

  private var choice: BackupChoice { backup?.choice ?? .recorded }

  private func paths(in store: BackupStore) throws -> [BackupPath] {
    guard all else { return [try store.path(of: choice)] }
    return try store.catalog(at: Timestamp.secondsNow()).entries.map {
      try store.path(of: $0.details)
    }
  }

  /// Whether it could be noted.
  private func note(_ path: BackupPath, in store: BackupStore, _ session: Session) -> Bool {
    do {
      try store.recordVerification(of: path, at: Timestamp.secondsNow())
      return true
    } catch {
      session.report(
        CommandError(error, status: .incomplete), "the verification was not recorded")
      return false
    }
  }
}

/// Prints what became of each backup as soon as it is known.
private struct VerificationReport {
  private let format: BackupOutputFormat
  private var document: ListDocument?
  private let output: StandardOutput
  private var count = 0
  private var wholeCount = 0
  private var undecryptedCount = 0
  private(set) var newestWhole: VerifiedBackup?
  private(set) var newestFailure: CommandError?

  init(_ format: BackupOutputFormat, to output: StandardOutput) throws {
    self.format = format
    self.output = output
    document = format.document.map { ListDocument($0, list: "backups") }
    if let document { try output.write(document.begin()) }
  }

  /// Where there is none, nothing is whole.
  var status: ExitStatus {
    if count > 0, wholeCount == count { return .success }
    return count > 0 && wholeCount + undecryptedCount == count ? .undecrypted : .failed
  }

  /// They come newest first.
  mutating func add(_ verification: Verification) throws {
    let row = Row(verification)
    defer { count += 1 }
    switch verification.result {
    case .success(.whole(let verified)):
      wholeCount += 1
      newestWhole = newestWhole ?? verified
    case .success(.undecrypted(let stored)):
      undecryptedCount += 1
      newestFailure = newestFailure ?? stored.error
    case .failure(let failure):
      newestFailure = newestFailure ?? failure
    }
    switch format {
    case .table: try output.line(row.line)
    case .name: if row.whole { try output.line(row.path) }
    case .json, .yaml: if let item = document?.item(row) { try output.write(item) }
    }
  }

  func end() throws {
    if let document {
      try output.write(
        document.end(Totals(total: count, whole: wholeCount, undecrypted: undecryptedCount)))
    } else if format == .table, count != 1 {
      try output.line("\(wholeCount) of \(count) backups are whole")
    }
  }

  private struct Totals: Encodable {
    let total: Int
    let whole: Int
    /// Their stored bytes are whole, but the database in them was not verified.
    let undecrypted: Int
  }

  private struct Row: Encodable {
    let path: String
    let whole: Bool
    /// The stored bytes are whole, but the database in them was not verified.
    var undecrypted = false
    /// Of the blob.
    var bytes: Int?
    var sha256: String?
    /// Of the snapshot in it, where the blob is encrypted or compressed.
    var snapshotBytes: Int?
    var snapshotSha256: String?
    var revision: UInt64?
    /// Of the database: `sound`, `undecided`, or `off` where they were not checked.
    var pages: String?
    var records: Int?
    var seconds: Double?
    var error: String?
    var hint: String?

    init(_ verification: Verification) {
      path = "\(verification.path)"
      switch verification.result {
      case .success(.undecrypted(let stored)):
        whole = false
        undecrypted = true
        bytes = stored.details.size
        sha256 = stored.sha256
        error = stored.error.cause
        hint = stored.error.hint
        seconds = Double(stored.duration.secondsText)
      case .success(.whole(let verified)):
        whole = true
        bytes = verified.details.size
        sha256 = verified.sha256
        if verified.isEncoded {
          snapshotBytes = verified.snapshotSize
          snapshotSha256 = verified.snapshotSHA256
        }
        revision = verified.revision
        pages = verified.pages.verdict
        records = verified.pages.report?.totalRecords
        seconds = Double(verified.duration.secondsText)
      case .failure(let failure):
        whole = false
        error = failure.cause
        hint = failure.hint
      }
    }

    var line: String {
      if undecrypted { return "STORED  \(path)  \(error ?? "")" }
      guard whole else { return "FAILED  \(path)  \(error ?? "")" }
      let facts = [
        ByteCount.describe(UInt64(bytes ?? 0)), revision.map { "revision \($0)" },
        records.map { "\($0) records" }, pages.map { "pages \($0)" },
        sha256.map { "sha256 \($0)" },
      ]
      return "whole   \(path)  " + facts.compactMap { $0 }.joined(separator: "  ")
    }
  }
}
