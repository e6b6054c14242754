// `etcd-backup list`: the stored backups, newest first.

internal import ArgumentParser
internal import Backup

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the stored backups, newest first.",
    discussion: """
      Newest first by what the runs wrote. TIME is when the store got the backup, by
      the store's clock, and AGE is how long ago that was. etcd version, revision,
      SHA-256, lineage and history are what the run noted that took it, nothing is
      read back: see verify. SIZE and SHA-256 are those of the blob. ENCODING, where
      a backup is compressed or encrypted, names the fingerprints of its recipients:
      the first 8 hex digits of the SHA-256 of age1…. RETENTION says
      what the coming runs do to a backup: keep it, and why; delete it in the next
      run that stores a backup; or in the first run after a time.

      Times are in UTC. --local shows them in the zone of the terminal (TZ, or
      /etc/localtime), each with its offset. Where there is no data for that zone, as
      in the image, they stay in UTC, with the offset +00:00.

      \(Help.storeVariables)
      APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING tells which one is recorded, and
      APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS and APP_CLEANER_EXPIRATION_BLOB_TIME
      what retention will do; without them that is left out.

      \(Help.exitStatuses(of: [
        (.success, "listed, even if there is none"),
        (.failed, "the store or Kubernetes could not be asked; retrying may help"),
      ] + Help.usualStatuses))
      """)

  @Option(name: .shortAndLong, help: BackupOutputFormat.help)
  var output = BackupOutputFormat.table

  @Option(help: "Show at most that many, the newest.")
  var limit: Int?

  @Option(
    help: ArgumentHelp(
      "Show those stored since then, such as 24h, 2026-11-22 or 2026-11-22T09:30:00Z.",
      valueName: "duration|time"))
  var since: Since?

  @Flag(help: "Show the times of the table in the terminal's zone.")
  var local = false

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit takes a number above zero.") }
    if local, output != .table {
      throw ValidationError("--local is for the table: other formats have times in UTC.")
    }
  }

  func run() throws {
    try Session.withStore(failing: "nothing listed") { session, store in
      let catalog = try store.catalog(at: Timestamp.secondsNow())
      let start = since?.start(at: catalog.now)
      let shown = catalog.entries.filter { $0.details.lastModified >= start ?? .min }
        .prefix(limit ?? .max)
      switch output {
      case .table where shown.isEmpty:
        try session.output.line(nothingToShow(of: catalog, in: store.place, since: start))
      case .table:
        let table = Table(shown, at: catalog.now, local ? .local : .utc)
        try session.output.lines(table.lines())
      case .json: try print(shown, of: catalog, in: store, as: .json, to: session.output)
      case .yaml: try print(shown, of: catalog, in: store, as: .yaml, to: session.output)
      case .name:
        if shown.isEmpty {
          session.log.warning(nothingToShow(of: catalog, in: store.place, since: start))
        }
        try session.output.lines(shown.map { "\(try store.path(of: $0.details))" })
      }
      return .success
    }
  }

  /// Says where it looked: the usual cause is a wrong container or prefix.
  private func nothingToShow(
    of catalog: BackupCatalog, in place: StoredPlace, since start: Int?
  ) -> String {
    guard let start, !catalog.entries.isEmpty else { return "No backups in the \(place)." }
    let time = (local ? Clock.local : .utc).format(start)
    return "No backups since \(time) in the \(place), but \(catalog.entries.count) older ones."
  }

  private static let pieceSize = 32 << 10

  private func print(
    _ entries: some Sequence<BackupCatalog.Entry>, of catalog: BackupCatalog,
    in store: BackupStore, as format: DocumentFormat, to output: StandardOutput
  ) throws {
    var document = ListDocument(format, list: "backups")
    var text = document.begin(Head(store.place, recorded: catalog.recorded))
    for entry in entries {
      text += document.item(Row(entry, path: try store.path(of: entry.details), at: catalog.now))
      guard text.utf8.count >= Self.pieceSize else { continue }
      try output.write(text)
      text = ""
    }
    try output.write(text + document.end())
  }
}

extension List {
  private struct Head: Encodable {
    let account: String
    let container: String
    let prefix: String
    let recordedPath: String?

    enum CodingKeys: CodingKey { case account, container, prefix, recordedPath }

    init(_ place: StoredPlace, recorded: BackupPath?) {
      (account, container, prefix) = (place.account, place.container, place.prefix)
      recordedPath = recorded.map { "\($0)" }
    }

    /// With null where nothing is recorded.
    func encode(to encoder: any Encoder) throws {
      var fields = encoder.container(keyedBy: CodingKeys.self)
      try fields.encode(account, forKey: .account)
      try fields.encode(container, forKey: .container)
      try fields.encode(prefix, forKey: .prefix)
      try fields.encode(recordedPath, forKey: .recordedPath)
    }
  }

  private struct Row: Encodable {
    let path: String
    let name: String
    let time: String
    let ageSeconds: Int
    let bytes: Int
    let etcdVersion: String?
    let revision: UInt64?
    let sha256: String?
    /// `age`; none where it is not encrypted.
    let encryption: String?
    /// Fingerprints of the recipients.
    let recipients: [String]?
    /// `zstd`; none where it is not compressed.
    let compression: String?
    /// Of the snapshot, where the blob is encrypted or compressed.
    let snapshotBytes: Int?
    let snapshotSha256: String?
    let tier: String?
    let immutableUntil: String?
    let recorded: Bool
    let lineage: String?
    let history: String?
    /// `kept`, `next-run`, `after`, or `ignored` for what no snapshot can be.
    let retention: String?
    /// Why it is kept.
    let reason: String?
    let deletedAfter: String?

    init(_ entry: BackupCatalog.Entry, path: BackupPath, at now: Int) {
      let details = entry.details
      self.path = "\(path)"
      name = "\(details.name)"
      time = Timestamp.format(details.lastModified)
      ageSeconds = max(now - details.lastModified, 0)
      bytes = details.size
      etcdVersion = details.etcdVersion
      revision = details.revision
      sha256 = details.sha256
      let encoding = details.encoding
      encryption = encoding.flatMap { $0.isEncrypted ? $0.encryption : nil }
      recipients = encoding.flatMap { $0.isEncrypted ? $0.recipients : nil }
      compression = encoding.flatMap { $0.isCompressed ? $0.compression : nil }
      snapshotBytes = encoding?.snapshotSize
      snapshotSha256 = encoding?.snapshotSHA256
      tier = details.accessTier
      immutableUntil = entry.stored.immutableUntil.map(Timestamp.format)
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
  fileprivate init(_ entries: some Sequence<BackupCatalog.Entry>, at now: Int, _ clock: Clock) {
    // Only where there is something to say.
    let showsEncoding = entries.contains { $0.details.encoding != nil }
    self.init(
      columns: [
        "NAME", clock.heading, "AGE", "SIZE", "ETCD", "REVISION", "SHA-256", "LINEAGE", "HISTORY",
        "RECORDED", "RETENTION",
      ] + (showsEncoding ? ["ENCODING"] : []))
    for entry in entries {
      let details = entry.details
      let encoding = showsEncoding ? [details.encoding?.text ?? ""] : []
      add(
        [
          "\(details.name)", clock.format(details.lastModified),
          Clock.age(now - details.lastModified),
          ByteCount.describe(UInt64(details.size)) + (details.isArchived ? ", archived" : ""),
          details.etcdVersion ?? "", details.revision.map { "\($0)" } ?? "",
          details.sha256.map { String($0.prefix(12)) } ?? "",
          // The random end tells lineages apart; most of what is before it is the time.
          (entry.stored.origin.names.lineage?.suffix(6)).map { "…\($0)" } ?? "",
          entry.stored.origin.names.history ?? "", entry.isRecorded ? "recorded" : "",
          entry.verdict?.text(clock) ?? "",
        ] + encoding)
    }
  }
}
