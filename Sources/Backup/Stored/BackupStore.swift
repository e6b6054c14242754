// The stored backups of one prefix and the record of the last: found, read back and verified; etcd is not needed.

internal import Azure
internal import Digests
internal import Encoding
internal import Etcd
internal import HTTP
internal import Kubernetes
package import SnapshotFile

/// The backups of one configuration, for the commands that read them back.
///
/// ```swift
/// let path = try store.pathToRestore(of: .recorded)
/// ```
package struct BackupStore {
  let configuration: StoreConfiguration
  /// `nil` where no ConfigMap is named.
  let record: RecordPlace?
  /// `nil` where Kubernetes is not used.
  let cluster: Cluster?
  let container: BlobContainer
  let deadline: RunDeadline
  let log: Log
  let progressBar: ProgressBar?

  /// Reads the store's Secret, and contacts nothing else. `progressBar` is given on a
  /// terminal.
  package init(
    _ configuration: StoreConfiguration, environment: [String: String], deadline: RunDeadline,
    log: Log, progressBar: ProgressBar? = nil
  ) throws {
    for warning in configuration.warnings {
      log.warning("configuration is unusual", ["error": warning.text, "hint": warning.hint])
    }
    let transport = Transport { deadline.stopReason }
    transport.logRetries(to: log)
    let access = try StoreAccess(configuration, environment: environment, transport: transport)
    for warning in access.warnings { log.warning("access is unusual", ["error": warning]) }
    self.configuration = configuration
    record = RecordPlace(configuration, in: access.cluster)
    cluster = access.cluster
    container = access.container
    self.deadline = deadline
    self.log = log
    self.progressBar = progressBar
  }

  // MARK: Naming a backup

  /// The backup that is chosen on the command line.
  package func path(of choice: BackupChoice) throws -> BackupPath {
    switch choice {
    case .named(let text): return try BackupPath(text, in: configuration)
    case .latest, .oldest: return try pathAtEnd(choice)
    case .recorded:
      guard let path = try recordedPath(in: try recordFields()) else {
        throw StoredBackupError.nothingRecorded(configMap: recordName)
      }
      return path
    }
  }

  /// The same for a restore: after a break one of the two backups must be named, so that the empty
  /// cluster is not restored by mistake.
  package func pathToRestore(of choice: BackupChoice) throws -> BackupPath {
    let path = try path(of: choice)
    guard choice == .recorded, let previous = try recordFields()?[Record.previousPathKey],
      !previous.isEmpty
    else { return path }
    throw StoredBackupError.historyBroke(newest: path, previous: previous)
  }

  /// `nil` where there is no ConfigMap, or none is configured.
  func recordFields() throws -> [String: String]? {
    try record?.fields() ?? nil
  }

  /// `nil` where no backup is recorded.
  func recordedPath(in fields: [String: String]?) throws(StoredBackupError) -> BackupPath? {
    guard let text = fields?[Record.pathKey], !text.isEmpty else { return nil }
    do {
      return try BackupPath(text)
    } catch {
      throw .unusableRecord(configMap: recordName, error)
    }
  }

  /// Where the backups of this configuration lie.
  package var place: StoredPlace {
    StoredPlace(
      account: container.endpoint.account, container: "\(configuration.container)",
      prefix: configuration.blobPrefix)
  }

  /// For messages about a record that there is.
  var recordName: String { record?.name ?? "" }

  // MARK: Reading a backup

  /// Asks the store what it holds under this path, and refuses what cannot be read.
  func find(_ path: BackupPath) throws -> FoundBackup {
    let container = container.sibling(named: path.container)
    guard let blob = try container.properties(of: path.blob) else {
      throw StoredBackupError.absent(path)
    }
    let details = BackupDetails(path.name, blob)
    guard !details.isArchived else {
      throw StoredBackupError.archived(
        path, account: container.endpoint.account, status: blob.archiveStatus)
    }
    return FoundBackup(path: path, details: details, etag: blob.etag)
  }

  /// Which bytes a reader of a backup wants.
  enum Content {
    case none
    case snapshot
    /// What is stored, also where nothing decrypts it.
    case blob
  }

  /// Reads all of a backup, in order and in one version, hands out its bytes, and verifies it.
  ///
  /// Nothing may be made of the bytes before this has returned.
  func read(
    _ found: FoundBackup, with identities: Identities, _ message: String,
    handing content: Content = .none, _ use: (RawSpan) throws -> Void = { _ in }
  ) throws -> ReadBackup {
    let start = ContinuousClock.now
    var progress = Progress(log, progressBar, message)
    defer { progress.end() }
    var reader = container.sibling(named: found.path.container).read(
      found.path.blob, ifMatch: found.etag, size: found.details.size,
      rangeSize: configuration.blockSize, rangesInFlight: configuration.blocksInFlight)
    var reading = BackupReading(identities, checkingPages: configuration.checksPages)
    func useSnapshot(_ bytes: RawSpan) throws {
      if content == .snapshot { try use(bytes) }
    }
    var received = 0
    do {
      while let payload = try reader.next() {
        try payload.withBytes { bytes in
          try reading.append(bytes, useSnapshot)
          if content == .blob { try use(bytes) }
        }
        if content == .snapshot, let obstacle = reading.obstacle {
          throw StoredBackupError.notDecrypted(found.path, obstacle, found.details.encoding)
        }
        received += payload.count
        progress.note(received: UInt64(received), of: UInt64(found.details.size))
      }
      let result = try reading.finish(useSnapshot)
      try found.check(result)
      return ReadBackup(found, result, duration: start.duration(to: .now))
    } catch let error as SnapshotFileError {
      throw StoredBackupError.damaged(found.path, error)
    } catch let error as CodingError {
      throw StoredBackupError.notDecoded(found.path, error)
    }
  }
}

/// Where backups lie, for messages.
package struct StoredPlace: Equatable, Sendable, CustomStringConvertible {
  package let account: String
  package let container: String
  /// Without a slash at its end.
  package let prefix: String

  package var description: String {
    "account \(account), container \(container), under the prefix \(prefix)/"
  }
}

/// A backup that the store knows of and that can be read.
struct FoundBackup {
  let path: BackupPath
  let details: BackupDetails
  let etag: ETag

  /// A whole snapshot may still be another one.
  fileprivate func check(_ result: BackupReading.Result) throws(StoredBackupError) {
    switch result {
    case .whole(let sha256, let snapshot):
      try check(sha256, is: details.sha256)
      try check(snapshot.sha256, is: details.encoding?.snapshotSHA256)
    case .undecrypted(let sha256, _):
      // Then nothing else tells whether they are whole.
      guard details.sha256 != nil else { throw .nothingToCompare(path) }
      try check(sha256, is: details.sha256)
    }
  }

  private func check(_ found: SHA256Digest, is expected: String?) throws(StoredBackupError) {
    guard let expected, expected.lowercased() != "\(found)" else { return }
    throw .otherContent(path, expected: expected, found: found)
  }
}

/// What reading every byte of a backup has shown.
package enum ReadBackup: Sendable {
  case whole(VerifiedBackup)
  case undecrypted(UndecryptedBackup)

  fileprivate init(_ found: FoundBackup, _ result: BackupReading.Result, duration: Duration) {
    switch result {
    case .whole(let sha256, let snapshot):
      self = .whole(VerifiedBackup(found, sha256, snapshot, duration: duration))
    case .undecrypted(let sha256, let obstacle):
      self = .undecrypted(
        UndecryptedBackup(
          path: found.path, details: found.details, sha256: "\(sha256)",
          error: CommandError(
            StoredBackupError.notDecrypted(found.path, obstacle, found.details.encoding),
            status: .undecrypted), duration: duration))
    }
  }
}

/// An encrypted backup whose every byte is as its run stored it; nothing is known of the database in it.
package struct UndecryptedBackup: Sendable {
  package let path: BackupPath
  package let details: BackupDetails
  /// Of all its bytes, as `sha256sum` prints it.
  package let sha256: String
  /// Why it was not decrypted, and what to do.
  package let error: CommandError
  /// Of reading it.
  package let duration: Duration
}

/// A backup whose every byte has been read from the store and is as etcd sent it.
package struct VerifiedBackup: Sendable {
  package let path: BackupPath
  package let details: BackupDetails
  /// Of the blob, as `sha256sum` prints it.
  package let sha256: String
  /// Of the snapshot in it, in bytes.
  package let snapshotSize: Int
  package let snapshotSHA256: String
  package let pages: PageCheck
  /// Of reading it.
  package let duration: Duration

  /// As far as its bytes tell, else as its run noted.
  package var revision: UInt64? { pages.report?.revision ?? details.revision }

  /// Whether the blob is anything but the snapshot itself.
  package var isEncoded: Bool { sha256 != snapshotSHA256 }

  fileprivate init(
    _ found: FoundBackup, _ sha256: SHA256Digest, _ snapshot: VerifiedSnapshot, duration: Duration
  ) {
    path = found.path
    details = found.details
    self.sha256 = "\(sha256)"
    snapshotSize = Int(snapshot.size)
    snapshotSHA256 = "\(snapshot.sha256)"
    pages = snapshot.pages
    self.duration = duration
  }
}
