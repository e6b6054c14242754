/// `etcd-backup list`: the stored backups, newest first.

internal import ArgumentParser
internal import Backup

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the stored backups, newest first.",
    discussion: """
      Time is when the store got the backup, by the store's clock; etcd version,
      revision and SHA-256 are what the run noted that took it, nothing is read back:
      see verify. RETENTION says what the coming runs do to a backup: kept, as one of
      the newest, until newer ones push it out; deleted by the next run that stores a
      backup; or by the first run after a time.

      \(Help.storeVariables)
      APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING tells which one is recorded, and
      APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS and APP_CLEANER_EXPIRATION_BLOB_TIME
      what retention will do; without them that is left out.

      \(Help.exitStatuses(of: [
        (.success, "listed, even if there is none"),
        (.failed, "the store or Kubernetes could not be asked; another try may help"),
      ] + Help.usualStatuses))
      """)

  @Option(help: "How to print the result: table or json.")
  var output = OutputFormat.table

  func run() throws {
    try Session.withStore(failing: "nothing listed") { _, store in
      let catalog = try store.catalog(at: Timestamp.secondsNow())
      switch output {
      case .table: print(Table(catalog).rendered())
      case .json: try printJSON(catalog, of: store)
      }
      return .success
    }
  }

  /// One backup a line, so that not even a hundred thousand take much memory.
  private func printJSON(_ catalog: BackupCatalog, of store: BackupStore) throws {
    let recorded = Output.json(catalog.recorded.map { "\($0)" })
    print("{\"recordedPath\":\(recorded),\"backups\":[", terminator: "")
    for (index, entry) in catalog.entries.enumerated() {
      let row = Row(entry, path: try store.path(of: entry.details))
      print(index == 0 ? "" : ",", Output.json(row), separator: "\n", terminator: "")
    }
    print("\n]}")
  }
}

extension List {
  private struct Row: Encodable {
    let path: String
    let name: String
    let time: String
    let bytes: Int
    let etcdVersion: String?
    let revision: UInt64?
    let sha256: String?
    let tier: String?
    let recorded: Bool
    /// `kept`, `next-run`, `after` or `ignored`.
    let retention: String?
    let deletedAfter: String?

    init(_ entry: BackupCatalog.Entry, path: BackupPath) {
      let details = entry.details
      self.path = "\(path)"
      name = "\(details.name)"
      time = Timestamp.format(details.lastModified)
      bytes = details.size
      etcdVersion = details.etcdVersion
      revision = details.revision
      sha256 = details.sha256
      tier = details.accessTier
      recorded = entry.isRecorded
      deletedAfter =
        if case .deletedAfter(let time)? = entry.outlook { Timestamp.format(time) } else { nil }
      retention =
        switch entry.outlook {
        case _ where !entry.isSnapshot: "ignored"
        case .kept?: "kept"
        case .deletedByNextRun?: "next-run"
        case .deletedAfter?: "after"
        case nil: nil
        }
    }
  }
}

extension Table {
  fileprivate init(_ catalog: BackupCatalog) {
    self.init(columns: [
      "NAME", "TIME (UTC)", "SIZE", "ETCD", "REVISION", "SHA-256", "RECORDED", "RETENTION",
    ])
    for entry in catalog.entries {
      let details = entry.details
      add([
        "\(details.name)", Timestamp.format(details.lastModified),
        ByteCount.describe(UInt64(details.size)) + (details.isArchived ? ", archived" : ""),
        details.etcdVersion ?? "", details.revision.map { "\($0)" } ?? "",
        details.sha256.map { String($0.prefix(12)) } ?? "", entry.isRecorded ? "recorded" : "",
        Self.retention(of: entry),
      ])
    }
  }

  private static func retention(of entry: BackupCatalog.Entry) -> String {
    guard entry.isSnapshot else { return "no snapshot has \(entry.details.size) bytes" }
    return switch entry.outlook {
    case .kept?: "kept"
    case .deletedByNextRun?: "deleted by the next run"
    case .deletedAfter(let time)?: "deleted after \(Timestamp.format(time))"
    case nil: ""
    }
  }
}
