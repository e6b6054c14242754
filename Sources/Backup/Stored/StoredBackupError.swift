// What can be wrong with a stored backup, or with the way to name it.

package import Azure
internal import Digests
internal import Encoding
package import HTTP
internal import SnapshotFile

enum StoredBackupError: OperatorError, Equatable {
  /// The ConfigMap is missing, or names no backup yet.
  case nothingRecorded(configMap: String)
  case unusableRecord(configMap: String, InvalidValue)
  /// Two backups may be meant.
  case historyBroke(newest: BackupPath, previous: String)
  /// The same, where no record says which history counts, or where both begin long ago.
  case severalHistories(BackupChoice, BackupPath, BackupPath)
  case nothingStored(StoredPlace, lineage: ULID?)
  case absent(BackupPath)
  /// `status` is the store's word on its way out of the archive, if it is on one.
  case archived(BackupPath, account: String, status: String?)
  /// Not what etcd sent.
  case damaged(BackupPath, SnapshotFileError)
  /// It cannot be decrypted, or decompressed, as far as its end.
  case notDecoded(BackupPath, CodingError)
  case notDecrypted(BackupPath, BackupReading.Obstacle, StoredEncoding?)
  /// Encrypted, without an identity, and its metadata have no SHA-256.
  case nothingToCompare(BackupPath)
  /// A whole snapshot, but not the one that was stored under this name.
  case otherContent(BackupPath, expected: String, found: SHA256Digest)

  var description: String {
    switch self {
    case .nothingRecorded(let configMap):
      "no backup is recorded in the ConfigMap \(configMap)"
    case .unusableRecord(let configMap, let problem):
      "\(Record.pathKey) of the ConfigMap \(configMap): \(problem)"
    case .historyBroke(let newest, let previous):
      "the history of the backups broke: the newest backup is \(newest), the newest one of the "
        + "previous history is \(previous)"
    case .severalHistories(let choice, let one, let other):
      "the backups are of more than one history: the \(choice) backup of one is \(one), of another "
        + "\(other)"
    case .nothingStored(let place, let lineage):
      "there is no backup\(lineage.map { " of the lineage \($0)" } ?? "") in the \(place)"
    case .absent(let path):
      "there is no backup \(path)"
    case .archived(let path, _, nil):
      "\(path) is in the archive tier and cannot be read"
    case .archived(let path, _, let status?):
      "\(path) is in the archive tier and cannot be read yet: \(status)"
    case .damaged(let path, .unsound(let error)):
      "\(path) is as etcd sent it, but the database in it is broken: \(error)"
    case .damaged(let path, let error):
      "\(path) is damaged: \(error)"
    case .notDecoded(let path, let error):
      "\(path) cannot be decoded: \(error)"
    case .notDecrypted(let path, .noIdentity, let encoding):
      "\(path) is encrypted\(Self.recipients(encoding)), and no identity was given: the database in "
        + "it was not verified"
    case .notDecrypted(let path, .noneMatches(let error), let encoding):
      "\(path) is encrypted\(Self.recipients(encoding)): \(error), so the database in it was not "
        + "verified"
    case .nothingToCompare(let path):
      "\(path) is encrypted, no identity decrypts it, and its metadata have no SHA-256 to compare "
        + "its bytes with"
    case .otherContent(let path, let expected, let found):
      "\(path) is not what was stored: its SHA-256 is \(found), but its metadata says \(expected)"
    }
  }

  var hint: String? {
    switch self {
    case .severalHistories:
      "Name one of the two. etcd-backup retention shows the histories."
    case .nothingStored:
      "Compare APP_ABS_CONTAINER_NAME and APP_BLOB_PREFIX with those of the run that stored backups."
    case .nothingRecorded, .unusableRecord, .absent:
      "Run etcd-backup list, and name one of the backups that it shows."
    case .historyBroke:
      "Name one of the two. If etcd lost its data, the newest backup is of the empty cluster. "
        + "etcd-backup retention shows the histories; with --forget or --adopt it ends this question."
    case .archived(let path, let account, nil):
      "Run: az storage blob set-tier --account-name \(account) --container-name \(path.container) "
        + "--name \(path.blob) --tier Hot --rehydrate-priority High; "
        + "then try again in an hour (large ones take up to 15), or use another backup meanwhile."
    case .archived:
      "Try again later (it may take up to 15 hours), or use another backup meanwhile."
    case .damaged(_, .unsound):
      "Restore another one: etcd-backup list shows them. Where there is none, "
        + "APP_BACKUP_PAGE_CHECK=off lets this one through."
    case .notDecrypted, .nothingToCompare:
      "Name the file of an identity with --identity, or set APP_BACKUP_IDENTITY_SECRET or "
        + "APP_BACKUP_IDENTITY_DIRECTORY."
    case .notDecoded(_, let error) where error.hint != nil: error.hint
    case .damaged, .otherContent, .notDecoded:
      "Never restore it: etcd-backup list shows the others, etcd-backup verify --all tries them."
    }
  }

  var isConfiguration: Bool {
    switch self {
    case .historyBroke, .severalHistories, .notDecrypted: true
    case .notDecoded(_, let error): error.isConfiguration
    default: false
    }
  }
  var stopReason: StopReason? { nil }

  private static func recipients(_ encoding: StoredEncoding?) -> String {
    guard let encoding, encoding.isEncrypted else { return "" }
    return " for \(encoding.recipients.joined(separator: ", "))"
  }
}

extension InvalidValue: OperatorError {
  package var hint: String? { nil }
  package var isConfiguration: Bool { true }
  package var stopReason: StopReason? { nil }
}
