/// Lists the stored backups: what each is, which one is recorded, and what retention will make of it.

internal import AzureBlob
internal import Kubernetes
internal import Logging

/// What lies under the prefix.
package struct BackupCatalog {
  package struct Entry {
    package let details: BackupDetails
    package let isRecorded: Bool
    /// Of a size that a snapshot can have; retention neither counts nor deletes any other.
    package let isSnapshot: Bool
    /// `nil` where retention passes it over, or is not configured.
    package let outlook: RetentionOutlook?
  }

  /// Newest first.
  package let entries: [Entry]
  /// `nil` where none is recorded, or no ConfigMap is configured.
  package let recorded: BackupPath?
}

extension BackupStore {
  /// Everything under the prefix that bears a backup's name; `now` is in seconds since 1970.
  package func catalog(at now: Int) throws -> BackupCatalog {
    let recorded = try usablyRecordedPath()
    let found = try listing()
    let snapshots = found.compactMap(\.stored)
    let outlook = configuration.outlook(of: snapshots, at: now) ?? []
    let outlooks = Dictionary(
      zip(snapshots.map(\.name), outlook), uniquingKeysWith: { first, _ in first })
    let entries = found.map { found in
      BackupCatalog.Entry(
        details: found.details, isRecorded: isSame(found.details, recorded),
        isSnapshot: found.stored != nil, outlook: outlooks[found.details.name])
    }
    if let recorded, recorded.container == configuration.container,
      recorded.prefix == configuration.blobPrefix, !entries.contains(where: \.isRecorded)
    {
      log.warning(
        "the recorded backup is not there",
        ["blob.path": "\(recorded)", "hint": "name another one for a restore"])
    }
    return BackupCatalog(entries: entries, recorded: recorded)
  }

  /// A record that names no backup must not keep anybody from finding one.
  private func usablyRecordedPath() throws -> BackupPath? {
    do {
      return try recordedPath()
    } catch let error as StoredBackupError {
      log.warning(
        "the record cannot be used",
        ["error": error.description, "hint": "the next run writes it anew"])
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

  /// Newest first; `stored` is set for what retention takes for a backup.
  private func listing() throws -> [(details: BackupDetails, stored: StoredBackup?)] {
    let folder = configuration.blobPrefix + "/"
    var found: [(details: BackupDetails, stored: StoredBackup?)] = []
    var strangers = 0
    var pages = container.list(prefix: folder, includeMetadata: true)
    while let page = try pages.nextPage() {
      for blob in page {
        if let details = BackupDetails(blob, in: folder) {
          found.append((details, StoredBackup(blob, in: folder)))
        } else {
          strangers += 1
        }
      }
    }
    if strangers > 0 {
      log.warning(
        "blobs under the prefix that are no backups are left out", ["blobs": "\(strangers)"])
    }
    return found.sorted { one, other in
      (one.details.lastModified, one.details.name) > (
        other.details.lastModified, other.details.name
      )
    }
  }
}
