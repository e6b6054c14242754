// What the store says of one backup without reading it: size, time, and the notes that its run left in the metadata.

internal import Azure

package struct BackupDetails: Equatable, Sendable {
  package let name: ULID
  /// Of the blob, in bytes.
  package let size: Int
  /// Seconds since 1970 by the store's clock: when the backup was committed.
  package let lastModified: Int
  /// `Hot`, `Cool`, `Cold` or `Archive`, where the account has tiers.
  package let accessTier: String?
  package let etcdVersion: String?
  package let revision: UInt64?
  /// Of the blob, as the run that stored it computed it.
  package let sha256: String?
  /// `nil` where the blob is the snapshot itself, and where the metadata do not say what it is.
  package let encoding: StoredEncoding?

  /// In bytes, as far as the metadata tell.
  package var snapshotSize: Int { encoding?.snapshotSize ?? size }
  package var isArchived: Bool { accessTier == "Archive" }
}

extension BackupDetails {
  static let metadataNames = Set(["etcdversion", "revision", "sha256"]).union(
    StoredEncoding.metadataNames)

  init(_ name: ULID, _ blob: BlobProperties) {
    self.init(name, blob.size, blob.lastModified, blob.accessTier, blob.metadata)
  }

  /// Returns `nil` for a blob under another kind of name, or in a folder further down.
  init?(_ blob: ListedBlob, in folder: String) {
    let name = blob.name.description
    guard name.hasPrefix(folder), let ulid = ULID(name.dropFirst(folder.count)) else { return nil }
    self.init(ulid, blob.size, blob.lastModified, blob.accessTier, blob.metadata)
  }

  private init(
    _ name: ULID, _ size: Int, _ lastModified: Int, _ accessTier: String?, _ metadata: BlobMetadata
  ) {
    self.name = name
    self.size = size
    self.lastModified = lastModified
    self.accessTier = accessTier
    etcdVersion = metadata["etcdversion"]
    revision = metadata["revision"].flatMap { UInt64($0) }
    sha256 = metadata["sha256"]
    encoding = try? StoredEncoding.read(metadata)
  }
}
