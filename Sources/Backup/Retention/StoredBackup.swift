// A backup as the container's listing shows it, and what its run wrote of its age and its history.

package import Azure
internal import SnapshotFile

package struct StoredBackup: Hashable, Sendable {
  package enum Origin: Hashable, Sendable {
    /// Stored by the predecessor, or by a release that knew no lineages.
    case unknown
    case history(ULID, lineage: ULID)
  }

  /// Why retention cannot judge a blob that bears a backup's name; it keeps it.
  package enum Oddity: Hashable, Sendable {
    /// In bytes; no snapshot has it.
    case size(Int)
    /// When the run says it was written, and when the store last saw it modified, or two such times
    /// of the run, are more than a day apart.
    case times
    /// The metadata are not those that a run writes.
    case metadata
  }

  package let name: ULID
  /// Seconds since 1970 by the clock of the run: when the backup was complete.
  package let written: Int
  /// Seconds since 1970 by the store's clock. Not the age: copying a blob, or setting its metadata,
  /// makes it new.
  package let lastModified: Int
  /// `nil` for a backup that is only expected.
  package let etag: ETag?
  package let origin: Origin
  /// The cluster id, where a run without a record stored it; such a run may delete no other.
  package let unrecordedCluster: UInt64?
  package let oddity: Oddity?
  /// The end of the policy with which it was committed, in seconds since 1970.
  package let immutableUntil: Int?

  package init(
    name: ULID, written: Int, lastModified: Int, etag: ETag?, origin: Origin = .unknown,
    unrecordedCluster: UInt64? = nil, oddity: Oddity? = nil, immutableUntil: Int? = nil
  ) {
    self.name = name
    self.written = written
    self.lastModified = lastModified
    self.etag = etag
    self.origin = origin
    self.unrecordedCluster = unrecordedCluster
    self.oddity = oddity
    self.immutableUntil = immutableUntil
  }
}

extension StoredBackup: Comparable {
  /// Older first, by what the runs wrote.
  package static func < (one: StoredBackup, other: StoredBackup) -> Bool {
    (one.written, one.name) < (other.written, other.name)
  }
}

extension StoredBackup {
  /// The values of the metadata's `record`.
  static let noRecord = "none"
  static let recordedInConfigMap = "configmap"

  static let immutableUntilName = "immutableuntil"

  private static let longestDisagreement = 86_400

  /// What of a blob's metadata retention reads; a listing need not keep the rest.
  static let metadataNames = Set([
    "lineage", "history", "time", "record", "clusterid", immutableUntilName,
  ]).union(
    StoredEncoding.metadataNames)

  /// Returns `nil` for what does not bear the name of a backup: a blob in a folder further down, or
  /// under another kind of name.
  package init?(_ blob: ListedBlob, in folder: String) {
    let path = blob.name.description
    guard path.hasPrefix(folder), let name = ULID(path.dropFirst(folder.count)) else { return nil }
    let named = Int(name.milliseconds / 1000)
    let told = blob.metadata["time"].map(Timestamp.parse)
    let immutableUntil = blob.metadata[Self.immutableUntilName].map(Timestamp.parse)
    let origin = Origin(blob.metadata)
    let written = (told ?? nil) ?? named
    let times = [named, written, blob.lastModified]
    let isSizePossible: Bool?  // `nil` where the metadata do not say how it is encoded
    do throws(StoredEncoding.Unknown) {
      let encoding = try StoredEncoding.read(blob.metadata)
      isSizePossible =
        encoding?.allows(blobSize: blob.size) ?? SnapshotLayout.allows(fileSize: blob.size)
    } catch {
      isSizePossible = nil
    }
    let oddity: Oddity? =
      if isSizePossible == false {
        .size(blob.size)
      } else if isSizePossible == nil {
        .metadata
      } else if !blob.isMetadataReadable || origin == nil || told == .some(nil)
        || immutableUntil == .some(nil)
      {
        .metadata
      } else if (times.max() ?? 0) - (times.min() ?? 0) > Self.longestDisagreement {
        .times
      } else {
        nil
      }
    self.init(
      name: name, written: written, lastModified: blob.lastModified, etag: blob.etag,
      origin: origin ?? .unknown,
      unrecordedCluster: blob.metadata["record"] == Self.noRecord
        ? blob.metadata["clusterid"].flatMap { UInt64($0, radix: 16) } : nil,
      oddity: oddity, immutableUntil: immutableUntil ?? nil)
  }
}

extension StoredBackup.Origin {
  /// Returns `nil` for names that no run writes.
  init?(_ metadata: BlobMetadata) {
    switch (metadata["lineage"], metadata["history"]) {
    case (nil, nil): self = .unknown
    case (let lineage?, let history?):
      guard let lineage = ULID(lineage), let history = ULID(history) else { return nil }
      self = .history(history, lineage: lineage)
    default: return nil
    }
  }
}
