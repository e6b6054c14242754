/// `etcd-backup inspect`: what is inside a database in a local file, and whether it is sound.

internal import ArgumentParser
internal import Backup
internal import Bolt
internal import Digests
internal import Glibc

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a snapshot in a local file and show what is inside.",
    discussion: """
      Reads every page that the database needs, as a run does while it streams. Takes
      snapshots, and the file of an etcd that is stopped: member/snap/db.

      Beside it stands what snapshot status says: hash, revision of the last record,
      and total keys, which are all records up to etcd 3.5 and the live keys from
      3.6. A stream tells neither the hash nor the live keys: both need the records
      in the order of their keys, and a stream brings its pages in any order.

      \(Help.exitStatuses(of: [
        (.success, "the database is sound"),
        (.failed, "unsound, a wrong SHA-256, not a database of etcd, or not readable"),
        (.usage, "wrong command line"),
      ]))
      """)

  @Argument(help: "The file.", completion: .file())
  var file: String

  @Option(help: "How to print the report.")
  var output = OutputFormat.table

  func run() throws {
    let inspection: Inspection
    do {
      inspection = try Inspection(of: file)
    } catch {
      let hint = error.hint.map { " (\($0))" } ?? ""
      Output.line("error: \(error)\(hint)", to: STDERR_FILENO)
      throw ExitCode.failure
    }
    let text = output == .json ? Output.json(inspection) : Output.list(inspection.lines)
    Output.line(text, to: STDOUT_FILENO)
    guard inspection.sha256 != .wrong else {
      Output.line("error: the SHA-256 at the end is not that of what is before", to: STDERR_FILENO)
      throw ExitCode.failure
    }
  }
}

/// The report on one file, with the SHA-256 that a snapshot ends with held against its bytes.
private struct Inspection: Encodable {
  /// What `snapshot status` of etcd up to 3.5 prints, under the same names.
  struct SnapshotStatus: Encodable {
    let hash: UInt32
    let revision: UInt64
    let totalKey: Int
    let totalSize: Int
  }

  enum Checksum: String, Encodable {
    case right, wrong, none
  }

  let snapshotStatus: SnapshotStatus
  let revision: UInt64
  let liveKeys: Int
  let sha256: Checksum
  let database: DatabaseReport

  init(of path: String) throws(BoltError) {
    let file = try DatabaseFile(path)
    var sha256 = SHA256()
    let report = try file.inspect { bytes in
      unsafe bytes.withUnsafeBytes { unsafe sha256.update($0) }
    }
    let digest = sha256.finish().bytes
    database = report.database
    revision = database.revision
    liveKeys = report.liveKeys
    self.sha256 = report.storedSHA256.map { $0 == digest ? .right : .wrong } ?? .none
    snapshotStatus = SnapshotStatus(
      hash: report.hash, revision: database.lastRevision, totalKey: database.totalRecords,
      totalSize: database.byteCount)
  }

  var lines: [(name: String, value: String?)] {
    let hash = String(snapshotStatus.hash, radix: 16)
    return [
      ("database", "sound"),
      ("sha-256", sha256 == .none ? nil : sha256.rawValue),
      ("revision", "\(revision)"),
      ("last record's revision", "\(database.lastRevision)"),
      ("live keys", "\(liveKeys)"),
      ("records", "\(database.totalRecords)"),
      ("hash", String(repeating: "0", count: 8 - hash.count) + hash),
      ("bytes", "\(database.byteCount)"),
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
