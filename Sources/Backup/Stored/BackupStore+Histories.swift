// What a person does with lineages and histories: takes a lineage over, or gives one up.

internal import Azure
internal import HTTP
internal import Kubernetes

/// What giving up a history or a lineage has done, or would do.
package struct Forgetting {
  package let name: ULID
  package let isLineage: Bool
  /// Oldest first.
  package let going: [StoredBackup]
  /// These stay all the same: recorded, last verified, the newest of the previous history, or immutable.
  package let staying: [StoredBackup]
  fileprivate let book: HistoryBook
}

extension BackupStore {
  /// Takes a lineage over: from now on its backups are this record's. What is known of its histories
  /// is read from their metadata. Of the lineage that the record has already, it only confirms that
  /// the running history is the right one.
  package func adopt(_ lineage: ULID, at now: Int) throws -> HistoryBook {
    var book: HistoryBook
    if case .known(let known) = RecordedHistories(try recordFields()), known.lineage == lineage {
      book = known
      book.brokeTime = nil
      book.previousPath = nil
    } else {
      var histories = StoredHistories()
      try forEachBackup(metadata: StoredHistories.metadataNames) { histories.consider($0, $1) }
      guard let adopted = histories.adopted(lineage, at: now) else {
        throw HistoryError.unknown(lineage, prefix: configuration.blobPrefix)
      }
      book = adopted
    }
    try write(book)
    return book
  }

  /// What giving up would delete; nothing has been changed.
  package func planToForget(_ name: ULID, at now: Int) throws -> Forgetting {
    let fields = try recordFields()
    let histories = RecordedHistories(fields)
    if case .unreadable(let reason, _) = histories { throw HistoryError.unreadable(reason) }
    let book = histories.book
    guard name != book.lineage, name != book.running?.name else {
      throw HistoryError.running(name)
    }
    let kept = [Record.pathKey, Record.verifiedPathKey, Record.previousPathKey]
    let keepers = try Set(
      kept.compactMap { key in fields?[key].flatMap { $0.isEmpty ? nil : $0 } }.map { text in
        try BackupPath(text)
      })
    var going: [StoredBackup] = []
    var staying: [StoredBackup] = []
    var isLineage = false
    try forEachBackup(metadata: StoredBackup.metadataNames) { backup, _ in
      guard case .history(let history, let lineage) = backup.origin,
        lineage == name || lineage == book.lineage && history == name
      else { return }
      isLineage = isLineage || lineage == name
      let isImmutable = backup.immutableUntil.map { $0 >= now } ?? false
      let isKept =
        isImmutable
        || keepers.contains {
          $0.name == backup.name && $0.container == configuration.container
            && $0.prefix == configuration.blobPrefix
        }
      if isKept { staying.append(backup) } else { going.append(backup) }
    }
    let isRecorded = (book.ended + book.givenUp).contains { $0.name == name }
    guard isRecorded || !going.isEmpty || !staying.isEmpty else {
      throw HistoryError.unknown(name, prefix: configuration.blobPrefix)
    }
    return Forgetting(
      name: name, isLineage: isLineage, going: going.sorted(), staying: staying.sorted(), book: book
    )
  }

  /// Deletes what the plan names, in the versions that were listed, then takes the history out of
  /// the record.
  package func forget(_ plan: Forgetting) throws {
    var tally = DeletionTally()
    for backup in plan.going {
      try tally.delete(
        try BlobName("\(configuration.blobPrefix)/\(backup.name)"), ifMatch: backup.etag,
        from: container)
    }
    if let first = tally.failures.first {
      throw RetentionError.deletesFailed(
        count: tally.failures.count, of: plan.going.count, first: first)
    }
    log.info(
      "backups deleted",
      [
        "backups.deleted": tally.deleted, "backups.protected": tally.protected,
        "backups.changed": tally.changed, "backups.kept": plan.staying.count,
      ])
    // A run may have recorded meanwhile: what it wrote is what the history is taken out of.
    guard case .known(var book) = RecordedHistories(try recordFields()),
      book.lineage == plan.book.lineage
    else { return }
    if book.forget(plan.name) { try write(book) }
  }

  private func write(_ book: HistoryBook) throws {
    guard let record else {
      preconditionFailure("histories are recorded only where a ConfigMap is configured")
    }
    try record.write(book.fields)
    log.info(
      "histories recorded", ["lineage": "\(book.lineage)", "configmap": "\(record.name)"])
  }

  private func forEachBackup(
    metadata names: Set<String>, _ body: (StoredBackup, BlobMetadata) -> Void
  ) throws {
    let folder = configuration.blobPrefix + "/"
    var pages = container.list(prefix: folder, metadata: names)
    while let page = try pages.nextPage() {
      for blob in page {
        if let backup = StoredBackup(blob, in: folder) { body(backup, blob.metadata) }
      }
    }
  }
}

/// What a person asks for, but cannot have.
enum HistoryError: OperatorError, Equatable {
  case unknown(ULID, prefix: String)
  case running(ULID)
  case unreadable(String)

  var description: String {
    switch self {
    case .unknown(let name, let prefix): "no backup under \(prefix)/ is of \(name)"
    case .running(let name): "\(name) is the running history or lineage of this record"
    case .unreadable(let reason): RetentionHold.unreadable(reason).description
    }
  }

  var hint: String? {
    switch self {
    case .unknown: "Run etcd-backup retention: it shows lineages and histories."
    case .running: "Name another one. Only what runs no more can be given up."
    case .unreadable(let reason): RetentionHold.unreadable(reason).hint
    }
  }

  var isConfiguration: Bool { true }
  var stopReason: StopReason? { nil }
}
