// Lists the stored backups: what each is, which one is recorded, and what retention will make of it.

internal import Azure
internal import Kubernetes

/// What lies under the prefix.
package struct BackupCatalog {
  package struct Entry {
    package let details: BackupDetails
    package let isRecorded: Bool
    package let stored: StoredBackup
    /// What the coming runs will do to it; `nil` where retention or the record is not configured.
    package let verdict: RetentionVerdict?
  }

  /// Newest first.
  package let entries: [Entry]
  /// `nil` where none is recorded, or no ConfigMap is configured.
  package let recorded: BackupPath?
  /// `nil` where retention or the record is not configured.
  package let forecast: RetentionForecast?
  /// Seconds since 1970: this machine's clock or the store's, whichever is behind.
  package let now: Int
}

extension BackupStore {
  /// Everything under the prefix that bears a backup's name; `now` is in seconds since 1970.
  package func catalog(at now: Int) throws -> BackupCatalog {
    let fields = try recordFields()
    let recorded = usablePath(in: fields)
    let (found, clock) = try listing()
    let now = min(now, clock ?? now)
    let policy = configuration.recordConfigMapName == nil ? nil : configuration.retention
    let forecast = try policy.map { policy in
      RetentionForecast(
        policy, fields: fields, of: found.map(\.stored),
        next: try BackupPath(
          container: configuration.container, prefix: configuration.blobPrefix,
          name: ULID(milliseconds: UInt64(max(now, 0)) * 1000)),
        checkingPages: configuration.checksPages, now: now)
    }
    let entries = found.map { found in
      BackupCatalog.Entry(
        details: found.details, isRecorded: isSame(found.details, recorded), stored: found.stored,
        verdict: forecast?.verdict(on: found.stored))
    }
    if let recorded, recorded.container == configuration.container,
      recorded.prefix == configuration.blobPrefix, !entries.contains(where: \.isRecorded)
    {
      log.warning(
        "the recorded backup is not there",
        ["blob.path": "\(recorded)", "hint": "Name another one for a restore."])
    }
    return BackupCatalog(entries: entries, recorded: recorded, forecast: forecast, now: now)
  }

  /// A record that names no backup must not keep anybody from finding one.
  private func usablePath(in fields: [String: String]?) -> BackupPath? {
    do {
      return try recordedPath(in: fields)
    } catch {
      log.warning(
        "the record cannot be used",
        [
          "error": error.description,
          "hint": "Take a backup: the next run writes the record again.",
        ])
      return nil
    }
  }

  /// The path of a backup under the configured prefix.
  package func path(of details: BackupDetails) throws -> BackupPath {
    try BackupPath(
      container: configuration.container, prefix: configuration.blobPrefix, name: details.name)
  }

  private func isSame(_ details: BackupDetails, _ path: BackupPath?) -> Bool {
    path?.name == details.name && path?.prefix == configuration.blobPrefix
      && path?.container == configuration.container
  }

  /// What a list shows of a blob's metadata, and what retention reads.
  private static let metadataNames = BackupDetails.metadataNames.union(StoredBackup.metadataNames)

  /// Newest first, and the earliest that the store's clock showed meanwhile.
  func listing() throws -> (
    found: [(details: BackupDetails, stored: StoredBackup)], clock: Int?
  ) {
    let folder = configuration.blobPrefix + "/"
    var found: [(details: BackupDetails, stored: StoredBackup)] = []
    var strangers = 0
    var clock: Int?
    var pages = container.list(prefix: folder, metadata: Self.metadataNames)
    while let page = try pages.nextPage() {
      if let now = pages.storeClock { clock = min(clock ?? now, now) }
      for blob in page {
        if let details = BackupDetails(blob, in: folder),
          let stored = StoredBackup(blob, in: folder)
        {
          found.append((details, stored))
        } else {
          strangers += 1
        }
      }
    }
    if strangers > 0 {
      log.warning(
        "blobs under the prefix that are no backups are left out", ["blobs": strangers])
    }
    return (found.sorted { $0.stored > $1.stored }, clock)
  }
}
