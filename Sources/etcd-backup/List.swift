// `etcd-backup list`: the stored backups, newest first.

internal import ArgumentParser
internal import Backup

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the stored backups, newest first.",
    discussion: """
      Newest first by what the runs wrote. Time is when the store got the backup, by
      the store's clock; etcd version, revision, SHA-256, lineage and history are what
      the run noted that took it, nothing is read back: see verify. RETENTION says
      what the coming runs do to a backup: keep it, and why; delete it in the next
      run that stores a backup; or in the first run after a time.

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
    try Session.withStore(failing: "nothing listed") { session, store in
      let catalog = try store.catalog(at: Timestamp.secondsNow())
      switch output {
      case .table: try session.output.lines(Table(catalog).lines())
      case .json: try printJSON(catalog, of: store, to: session.output)
      }
      return .success
    }
  }

  private static let pieceSize = 32 << 10

  /// One backup a line, so that not even a hundred thousand take much memory.
  private func printJSON(
    _ catalog: BackupCatalog, of store: BackupStore, to output: StandardOutput
  ) throws {
    let recorded = Output.json(catalog.recorded.map { "\($0)" })
    var text = "{\"recordedPath\":\(recorded),\"backups\":["
    for (index, entry) in catalog.entries.enumerated() {
      let row = Row(entry, path: try store.path(of: entry.details))
      text += (index == 0 ? "" : ",") + "\n" + Output.json(row)
      guard text.utf8.count >= Self.pieceSize else { continue }
      try output.write(text)
      text = ""
    }
    try output.write(text + "\n]}\n")
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
    let lineage: String?
    let history: String?
    /// `kept`, `next-run`, `after`, or `ignored` for what no snapshot can be.
    let retention: String?
    /// Why it is kept.
    let reason: String?
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
      (lineage, history) = entry.stored.origin.names
      retention = entry.verdict?.word
      reason = entry.verdict?.reason
      deletedAfter = entry.verdict?.time.map(Timestamp.format)
    }
  }
}

extension StoredBackup.Origin {
  /// Both `nil` where the backup has none.
  var names: (lineage: String?, history: String?) {
    switch self {
    case .unknown: (nil, nil)
    case .history(let history, let lineage): ("\(lineage)", "\(history)")
    }
  }
}

extension Table {
  fileprivate init(_ catalog: BackupCatalog) {
    self.init(columns: [
      "NAME", "TIME (UTC)", "SIZE", "ETCD", "REVISION", "SHA-256", "LINEAGE", "HISTORY", "RECORDED",
      "RETENTION",
    ])
    for entry in catalog.entries {
      let details = entry.details
      add([
        "\(details.name)", Timestamp.format(details.lastModified),
        ByteCount.describe(UInt64(details.size)) + (details.isArchived ? ", archived" : ""),
        details.etcdVersion ?? "", details.revision.map { "\($0)" } ?? "",
        details.sha256.map { String($0.prefix(12)) } ?? "",
        // The random end tells lineages apart; most of what is before it is the time.
        (entry.stored.origin.names.lineage?.suffix(6)).map { "…\($0)" } ?? "",
        entry.stored.origin.names.history ?? "", entry.isRecorded ? "recorded" : "",
        entry.verdict?.text ?? "",
      ])
    }
  }
}
