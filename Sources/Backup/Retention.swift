/// Deletes the backups that the plan gives up, and nothing that it has not seen in a complete listing.

package import AzureBlob
internal import Digests
internal import Etcd
internal import HTTP
internal import Logging

struct Retention {
  private let policy: RetentionPolicy
  private let container: BlobContainer
  private let folder: String
  private let log: Logger

  /// What one run deletes at most; the next one goes on.
  private static let mostDeletions = 5000

  init(
    _ policy: RetentionPolicy, of container: BlobContainer, under prefix: String, log: Logger
  ) {
    self.policy = policy
    self.container = container
    folder = prefix + "/"
    self.log = log
  }

  /// `recorded` is never deleted; `now` is in seconds since 1970.
  func apply(keeping recorded: ULID, now: Int) throws {
    var plan = RetentionPlan(
      policy: policy, recorded: recorded, now: now, mostDeletions: Self.mostDeletions)
    var listing = container.list(prefix: folder)
    while let page = try listing.nextPage() {
      for blob in page {
        if let backup = StoredBackup(blob, in: folder) { plan.consider(backup) }
      }
    }
    guard plan.sawRecorded else { throw RetentionError.listingLacksRecorded(folder: folder) }
    try delete(plan.expired(), of: plan.backupCount)
  }

  /// Tries every one, whatever becomes of the others.
  private func delete(_ expired: [StoredBackup], of total: Int) throws {
    var deleted = 0
    var protected = 0
    var failures: [AzureBlobError] = []
    for backup in expired {
      let blob = try BlobName("\(folder)\(backup.name)")
      do throws(AzureBlobError) {
        switch try container.delete(blob) {
        case .deleted: deleted += 1
        case .alreadyGone: break
        case .protected: protected += 1
        }
      } catch {
        if error.stopReason != nil { throw error }
        failures.append(error)
      }
    }
    if let first = failures.first {
      throw RetentionError.deletesFailed(count: failures.count, of: expired.count, first: first)
    }
    log.info(
      "retention applied",
      [
        "backups.found": "\(total)", "backups.deleted": "\(deleted)",
        "backups.protected": protected > 0 ? "\(protected)" : nil,
      ])
  }
}

extension StoredBackup {
  /// The smallest bbolt database has four pages.
  private static let smallestSnapshot = 4 * 4096 + SHA256Digest.byteCount

  /// Returns `nil` for anything that is not a backup of ours: a blob in a folder further down,
  /// under another kind of name, or of a size that no snapshot has.
  package init?(_ blob: ListedBlob, in folder: String) {
    let name = blob.name.description
    guard name.hasPrefix(folder), let ulid = ULID(name.dropFirst(folder.count)),
      blob.size >= Self.smallestSnapshot, blob.size % 512 == SHA256Digest.byteCount
    else { return nil }
    self.init(name: ulid, lastModified: blob.lastModified)
  }
}

enum RetentionError: Explained, Equatable {
  case listingLacksRecorded(folder: String)
  case deletesFailed(count: Int, of: Int, first: AzureBlobError)

  var description: String {
    switch self {
    case .listingLacksRecorded(let folder):
      "the listing of \(folder) lacks the backup just taken, so nothing was deleted"
    case .deletesFailed(let count, let total, let first):
      "\(count) of \(total) expired backups could not be deleted: \(first)"
    }
  }

  var hint: String? {
    switch self {
    case .listingLacksRecorded: "does something else delete or move blobs in the container?"
    case .deletesFailed(_, _, let first): first.hint
    }
  }

  var isConfiguration: Bool { false }
  var stopReason: StopReason? { nil }
}
