internal import Azure

/// Which stored backup a command is about.
package enum BackupChoice: Equatable, Sendable {
  /// The one that the record names.
  case recorded
  case latest
  case oldest
  /// A name, or a name with its prefix, or with container and prefix.
  case named(String)

  /// The words that stand for a backup without its name.
  package static let words = ["latest", "oldest", "recorded"]

  /// Returns `nil` for what neither is such a word nor ends like the name of a backup.
  package init?(_ text: String) {
    switch text {
    case "latest": self = .latest
    case "oldest": self = .oldest
    case "recorded": self = .recorded
    case _ where BackupPath.isPath(text): self = .named(text)
    default: return nil
    }
  }
}

extension BackupStore {
  /// The latest or the oldest backup of the record's lineage, by what the runs wrote; where there is
  /// no record, of all under the prefix.
  ///
  /// Throws where two backups may be meant: after a break of the history until a person has
  /// confirmed it, and without a record where there is more than one history.
  func pathAtEnd(_ choice: BackupChoice) throws -> BackupPath {
    let fields = try recordFields()
    let ends = Ends(
      choice, of: try listing().found.map(\.stored), recorded: RecordedHistories(fields))
    guard let end = ends.first else {
      throw StoredBackupError.nothingStored(place, lineage: ends.lineage)
    }
    let path = try backupPath(named: end.name)
    guard let other = ends.other else { return path }
    let otherPath = try backupPath(named: other.name)
    throw choice == .latest && ends.isBroken
      ? StoredBackupError.historyBroke(newest: path, previous: "\(otherPath)")
      : StoredBackupError.severalHistories(choice, path, otherPath)
  }

  private func backupPath(named name: ULID) throws -> BackupPath {
    try BackupPath(
      container: configuration.container, prefix: configuration.blobPrefix, name: name)
  }
}

/// The backup at one end of a list, and the other one that may be meant. Pure: asks no server.
package struct Ends: Equatable {
  /// `nil` where there is no backup.
  package let first: StoredBackup?
  /// `nil` where nothing else may be meant.
  package let other: StoredBackup?
  /// Whether the record says that the history broke.
  package let isBroken: Bool
  /// The record's; `nil` where it has none.
  package let lineage: ULID?

  /// `choice` is `latest` or `oldest`. What no snapshot can be is left out.
  package init(
    _ choice: BackupChoice, of stored: [StoredBackup], recorded histories: RecordedHistories
  ) {
    var backups = stored.filter { backup in
      if case .size = backup.oddity { false } else { true }
    }.sorted()
    if choice == .latest { backups.reverse() }
    guard case .known(let book) = histories, let running = book.running else {
      isBroken = false
      lineage = nil
      first = backups.first
      other = backups.first { $0.origin != backups.first?.origin }
      return
    }
    let own = backups.filter { $0.origin.lineage == book.lineage }
    // Before its first run with a lineage, a record has only backups without one.
    backups = own.isEmpty ? backups.filter { $0.origin == .unknown } : own
    lineage = book.lineage
    isBroken = book.previousPath != nil
    let ofRunning = backups.first {
      $0.origin == .history(running.name, lineage: book.lineage)
    }
    first = isBroken ? ofRunning ?? backups.first : backups.first
    let previous = backups.first { $0.name == book.previousPath?.name }
    let isOther = { [first] (backup: StoredBackup) in backup.origin != first?.origin }
    other = isBroken ? (choice == .latest ? previous : nil) ?? backups.first(where: isOther) : nil
  }
}

extension StoredBackup.Origin {
  fileprivate var lineage: ULID? {
    if case .history(_, let lineage) = self { lineage } else { nil }
  }
}
