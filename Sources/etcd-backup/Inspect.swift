// `etcd-backup inspect`: what is inside a database in a local file, and whether it is sound.

internal import ArgumentParser
internal import Backup
internal import Glibc
internal import SnapshotFile

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a snapshot in a local file and show what is inside.",
    discussion: """
      Reads every page that the database needs, as a run does while it streams. Takes
      snapshots, and the file of an etcd that is stopped: member/snap/db. What
      download --raw wrote is decrypted with --identity and decompressed as it is
      read, and then there is neither hash nor live keys.

      Beside it stands what snapshot status says: hash, revision of the last record,
      and total keys, which are all records up to etcd 3.5 and the live keys from
      3.6. A stream tells neither the hash nor the live keys: both need the records
      in the order of their keys, and a stream brings its pages in any order.

      \(Help.exitStatuses(of: [
        (.success, "the database is sound"),
        (.failed, "unsound, a wrong or damaged SHA-256, not of etcd, or not readable"),
        (.usage, "wrong command line"),
      ]))
      """)

  @Argument(help: "The file.", completion: .file())
  var file: String

  @OptionGroup var identity: IdentityOption

  @Option(name: .shortAndLong, help: OutputFormat.help)
  var output = OutputFormat.table

  func run() throws {
    let inspection: Inspection
    do {
      inspection = try Inspection(of: file, with: Identities(files: identity.files))
    } catch {
      let error = InspectionFailure(error)
      if let format = output.document {
        try Output.print { try $0.write(format.encode(Failure(error))) }
      }
      Output.error(error.description, hint: error.hint)
      throw ExitCode.failure
    }
    try Output.print { standardOutput in
      if let format = output.document {
        try standardOutput.write(format.encode(inspection))
      } else {
        try standardOutput.lines(Output.list(inspection.lines))
      }
    }
    let fault: String
    switch inspection.sha256 {
    case .right, .none: return
    case .wrong: fault = "the SHA-256 at the end is not that of what is before"
    case .damaged:
      let count = inspection.trailingBytes ?? 0
      fault =
        "\(count) \(count == 1 ? "byte follows" : "bytes follow") the database; "
        + "a snapshot has 32, its SHA-256"
    }
    Output.error(fault)
    throw ExitCode.failure
  }
}

/// Why there is no report, as a document.
private struct Failure: Encodable {
  /// What is broken, where one page or the two metas are.
  struct Unsound: Encodable {
    var page: UInt64?
    var bucket: String?
    let defect: String
  }

  let error: String
  let hint: String?
  var unsound: Unsound?

  init(_ failure: InspectionFailure) {
    (error, hint) = (failure.description, failure.hint)
    switch failure.database {
    case .unsound(let page, let bucket, let defect):
      unsound = Unsound(page: page, bucket: bucket, defect: defect.description)
    case .meta(let page, let problem):
      unsound = Unsound(page: UInt64(page), defect: problem.description)
    case .metasDisagree:
      unsound = Unsound(defect: "the two meta pages do not describe one snapshot")
    case .ended, .surplus, .memoryLimitExceeded, .notEtcd, .unreadable, nil: break
    }
  }
}

/// The report on one file, with the SHA-256 that a snapshot ends with held against its bytes.
private struct Inspection: Encodable {
  /// What `snapshot status` of etcd up to 3.5 prints, under the same names.
  struct SnapshotStatus: Encodable {
    /// Of a file that is not encoded.
    let hash: UInt32?
    let revision: UInt64
    let totalKey: Int
    let totalSize: Int
  }

  let snapshotStatus: SnapshotStatus
  let revision: UInt64
  /// Of a file that is not encoded.
  let liveKeys: Int?
  let sha256: DatabaseFile.Checksum
  /// Bytes behind the database where they are no SHA-256, nor the room that a live file keeps.
  let trailingBytes: UInt64?
  let database: DatabaseReport

  init(of path: String, with identities: Identities) throws {
    if let snapshot = try identities.inspect(encodedFile: path) {
      switch snapshot.pages {
      case .sound(let report): self.init(report)
      case .undecided(let reason): throw reason
      case .off: preconditionFailure("the pages of a file are always checked")
      }
      return
    }
    self.init(try DatabaseFile(path).inspect())
  }

  private init(_ report: DatabaseFile.Report) {
    database = report.database
    revision = database.revision
    liveKeys = report.liveKeys
    sha256 = report.checksum
    trailingBytes = report.checksum == .damaged ? report.trailingByteCount : nil
    snapshotStatus = SnapshotStatus(
      hash: report.hash, revision: database.lastRevision, totalKey: database.totalRecords,
      totalSize: database.byteCount)
  }

  /// Of a stream that was verified.
  private init(_ report: DatabaseReport) {
    database = report
    revision = report.revision
    liveKeys = nil
    sha256 = .right
    trailingBytes = nil
    snapshotStatus = SnapshotStatus(
      hash: nil, revision: report.lastRevision, totalKey: report.totalRecords,
      totalSize: report.byteCount)
  }

  var lines: [(name: String, value: String?)] {
    let hash = snapshotStatus.hash.map { String($0, radix: 16) }
    return [
      ("database", "sound"),
      ("sha-256", sha256 == .none ? nil : sha256.rawValue),
      ("revision", "\(revision)"),
      ("last record's revision", "\(database.lastRevision)"),
      ("live keys", liveKeys.map { "\($0)" }),
      ("records", "\(database.totalRecords)"),
      ("hash", hash.map { String(repeating: "0", count: 8 - $0.count) + $0 }),
      ("bytes", "\(database.byteCount)"),
      ("bytes behind", trailingBytes.map { "\($0)" }),
      ("pages", "\(database.pageCount) of \(database.pageSize) bytes"),
      ("pages in use", "\(database.pagesInUse)"),
      ("list of free pages", database.storesFreelist ? "stored" : "not stored"),
      ("cluster version", database.clusterVersion),
      ("storage version", database.storageVersion),
      ("consistent index", database.consistentIndex.map { "\($0)" }),
      ("term", database.term.map { "\($0)" }),
      ("members", database.members.map { "\($0.id) \($0.name)" }.joined(separator: ", ")),
      ("authentication", database.isAuthEnabled ? "on" : "off"),
      ("leases", "\(database.leaseCount)"),
    ] + database.buckets.map { ("bucket \($0.name)", "\($0.records)") }
  }
}
