// Deletes the backups that the plan gives up, and nothing that it has not seen in a complete listing.

internal import Azure
internal import Hints
internal import HTTP

struct Retention {
  private let container: BlobContainer
  private let folder: String
  private let log: Log

  /// What one run deletes at most; the next one goes on.
  private static let mostDeletions = 5000

  init(of container: BlobContainer, under prefix: String, log: Log) {
    self.container = container
    folder = prefix + "/"
    self.log = log
  }

  /// `now` is in seconds since 1970 by this machine's clock.
  func apply(_ basis: RetentionBasis, now: Int) throws {
    var plan = RetentionPlan(basis, now: now, mostDeletions: Self.mostDeletions)
    var listing = container.list(prefix: folder, metadata: StoredBackup.metadataNames)
    while let page = try listing.nextPage() {
      guard let clock = listing.storeClock else { throw RetentionError.noStoreClock }
      plan.note(clock: clock)
      for blob in page {
        if let backup = StoredBackup(blob, in: folder) { plan.consider(backup) }
      }
    }
    guard let origin = plan.recordedOrigin else {
      throw RetentionError.listingLacksRecorded(folder: folder)
    }
    // Without the metadata every backup would look like the predecessor's.
    guard case .history(_, basis.book.lineage) = origin else {
      throw RetentionError.listingLacksMetadata(folder: folder)
    }
    tell(of: plan.counts)
    try delete(plan.expired(), counts: plan.counts)
  }

  private func tell(of counts: RetentionCounts) {
    if counts.immutable > 0 {
      log.info(
        "backups stay that are immutable still",
        [
          "backups": counts.immutable,
          "hint": "Wait: a later run deletes them once the policy of their commit has ended.",
        ])
    }
    guard counts.otherLineage > 0 else { return }
    log.warning(
      "backups of another lineage are left alone",
      [
        "backups": counts.otherLineage,
        "lineages": counts.otherLineages.map { "\($0)" }.sorted().joined(separator: " "),
        "hint": RetentionHold.otherLineageHint,
      ])
  }

  /// Attempts every deletion and reports failures at the end.
  private func delete(_ expired: [Deletion], counts: RetentionCounts) throws {
    var tally = DeletionTally()
    for backup in expired {
      try tally.delete(
        try BlobName("\(folder)\(backup.name)"), ifMatch: backup.etag, from: container)
    }
    if let first = tally.failures.first {
      throw RetentionError.deletesFailed(
        count: tally.failures.count, of: expired.count, first: first)
    }
    if tally.protected > 0 {
      log.info(
        "backups stay that the store protects",
        [
          "backups": tally.protected,
          "hint":
            "Wait: a later run deletes them once the policy, the legal hold or the lease ends.",
        ])
    }
    log.info(
      "retention applied",
      [
        "backups.found": counts.backups, "backups.deleted": tally.deleted,
        "backups.protected": Self.unlessZero(tally.protected),
        "backups.changed": Self.unlessZero(tally.changed),
        "backups.odd": Self.unlessZero(counts.odd),
        "backups.unknown.history": Self.unlessZero(counts.strayed),
        "backups.others": Self.unlessZero(counts.others),
        "backups.other.lineage": Self.unlessZero(counts.otherLineage),
      ])
  }

  private static func unlessZero(_ count: Int) -> Int? { count > 0 ? count : nil }
}

/// What has become of the deletions so far.
struct DeletionTally {
  private(set) var deleted = 0
  private(set) var protected = 0
  private(set) var changed = 0
  private(set) var failures: [AzureError] = []

  /// Throws only where the run must stop.
  mutating func delete(
    _ blob: BlobName, ifMatch etag: ETag?, from container: BlobContainer
  ) throws(AzureError) {
    do throws(AzureError) {
      switch try container.delete(blob, ifMatch: etag) {
      case .deleted: deleted += 1
      case .alreadyGone: break
      case .protected: protected += 1
      case .changed: changed += 1
      }
    } catch {
      if error.stopReason != nil { throw error }
      failures.append(error)
    }
  }
}

enum RetentionError: OperatorError, Equatable {
  case listingLacksRecorded(folder: String)
  case listingLacksMetadata(folder: String)
  case noStoreClock
  case deletesFailed(count: Int, of: Int, first: AzureError)

  var description: String {
    switch self {
    case .listingLacksRecorded(let folder):
      "the listing of \(folder) lacks the backup just taken, so nothing was deleted"
    case .listingLacksMetadata(let folder):
      "the listing of \(folder) lacks the lineage of the backup just taken, so nothing was deleted"
    case .noStoreClock:
      "the response to List Blobs has no Date, so nothing was deleted"
    case .deletesFailed(let count, let total, let first):
      "\(count) of \(total) expired backups could not be deleted: \(first)"
    }
  }

  var hint: String? {
    switch self {
    case .listingLacksRecorded: "Does something else delete or move blobs in the container?"
    case .listingLacksMetadata, .noStoreClock:
      "Does a proxy change the store's responses, or does something else set the blobs' metadata?"
    case .deletesFailed(_, _, let first): first.hint
    }
  }

  var isConfiguration: Bool { false }
  var stopReason: StopReason? { nil }
}
