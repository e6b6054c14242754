internal import Azure
internal import Digests
internal import Etcd
internal import Hints
internal import HTTP
internal import Kubernetes
internal import SnapshotFile

/// One run, from the Secrets to retention: the story of the program.
///
/// The order is fixed: stream, verify, commit, check what was committed, record, delete old ones.
/// Whenever a run dies, either nothing is visible or a verified backup is; and the recorded path
/// always names a verified backup.
package final class BackupRun {
  let configuration: Configuration
  private let environment: [String: String]
  private let deadline: RunDeadline
  let log: Log
  private let progressBar: ProgressBar?
  private let transport: Transport
  private let start = ContinuousClock.now
  private let runID = RunID.random()
  var stage = Stage.secrets
  /// Why this run may delete nothing.
  var hold: RetentionHold?
  /// The path of the blob that this run has made visible, or may have.
  private var visiblePath: BackupPath?

  /// `progressBar` is given on a terminal.
  package init(
    _ configuration: Configuration, environment: [String: String], deadline: RunDeadline,
    log: Log, progressBar: ProgressBar? = nil
  ) {
    self.configuration = configuration
    self.environment = environment
    self.deadline = deadline
    self.progressBar = progressBar
    self.log = log.with(["run.id": "\(runID)"])
    transport = Transport { deadline.stopReason }
    transport.logRetries(to: log)
  }

  /// Does the whole job and says how it ended; every failure has been logged by then.
  package func run() -> RunResult {
    do {
      log.info("run started", ["version": Version.current])
      let access = try readSecrets()
      try probe(access.container)
      let member = try chooseMember(of: access.etcd)
      if let backup = try unchangedBackup(of: member, with: access) {
        log.info("run finished", ["duration.seconds": elapsed])
        return .unchanged(backup)
      }
      let record = try takeBackup(of: member, with: access)
      try write(record, to: access.record)
      try applyRetention(after: record, with: access)
      log.info("run finished", ["duration.seconds": elapsed])
      return .success(record)
    } catch {
      let failure = RunError(error, in: stage)
      report(failure)
      return .failure(failure, path: visiblePath)
    }
  }

  // MARK: The stages

  private func readSecrets() throws -> RunClients {
    stage = .secrets
    for warning in configuration.warnings {
      log.warning("configuration is unusual", ["error": warning.text, "hint": warning.hint])
    }
    let access = try RunClients(configuration, environment: environment, transport: transport)
    for warning in access.warnings { log.warning("access is unusual", ["error": warning]) }
    for warning in access.credentialWarnings {
      log.warning("credential is limited", ["error": warning.text, "hint": warning.hint])
    }
    return access
  }

  /// A missing container or a wrong credential is found here, before etcd is put to any work.
  private func probe(_ container: BlobContainer) throws {
    stage = .container
    let probe = try container.probe(under: configuration.blobPrefix + "/")
    try container.checkSupport(of: configuration.commit.options)
    guard probe.showsWrongClock else { return }
    log.warning(
      "the clock differs from the store's",
      [
        "clock.ahead.seconds": probe.secondsAhead,
        "hint": ContainerProbe.clockHint,
      ])
  }

  private func chooseMember(of etcd: EtcdCluster) throws -> ChosenMember {
    stage = .member
    let member = try etcd.chooseMember()
    tell(of: member)
    return member
  }

  private func tell(of member: ChosenMember) {
    for failure in member.failures {
      log.warning("etcd endpoint has a problem", ["error": "\(failure)", "hint": failure.hint])
    }
    if let fallback = member.fallback {
      log.info("etcd is spoken to through its gateway", ["error": "\(fallback)"])
    }
    if !member.hasQuorum {
      log.warning(
        "etcd has no quorum: the backup may lack the latest writes",
        ["etcd.endpoint": "\(member.status.endpoint)"])
    }
    if member.status.isOutOfSpace { warnOfLackingSpace() }
    log.info(
      "member chosen",
      [
        "etcd.endpoint": "\(member.status.endpoint)", "etcd.transport": member.transportName,
        "etcd.version": member.status.version,
        "etcd.member": String(member.status.memberID, radix: 16),
        "etcd.revision": member.revision ?? member.status.revision,
      ])
  }

  private func warnOfLackingSpace() {
    log.warning(
      "etcd is out of space",
      ["hint": "After this backup: compact, defragment, then etcdctl alarm disarm."])
  }

  /// Where a member's database turns out to be broken, the next best member takes its place:
  /// nothing of the broken one becomes visible.
  private func takeBackup(of chosen: ChosenMember, with access: RunClients) throws -> Record {
    var member = chosen
    var broken: [ChosenMember] = []
    while true {
      do {
        return try takeBackup(of: member, into: access.container, recordedIn: access.record)
      } catch let error as SnapshotError where error.isMembersOwn {
        broken.append(member)
        guard let other = try access.etcd.chooseMember(insteadOf: broken) else {
          throw NoSoundMember(last: error)
        }
        log.warning(
          "the backup is taken from another member",
          ["error": error.description, "hint": error.hint])
        member = other
        tell(of: member)
      }
    }
  }

  /// Streams one snapshot from etcd into the container, and makes it visible only once verified.
  private func takeBackup(
    of member: ChosenMember, into container: BlobContainer, recordedIn place: RecordPlace?
  ) throws -> Record {
    stage = .snapshot
    let spool = try makeSpool()
    let path = try BackupPath(
      container: container.name, prefix: configuration.blobPrefix,
      name: ULID(milliseconds: UInt64(Timestamp.millisecondsNow())))
    var snapshot = try member.openSnapshot(checkingPages: configuration.checksPages)
    var upload = try EncodedUpload(
      SpooledUpload(
        container.startUpload(
          named: path.blob, runID: runID, blockSize: configuration.blockSize,
          blocksInFlight: configuration.uploadsInFlight), spool: spool),
      configuration.encoding)
    var progress = Progress(log, progressBar)
    defer { progress.end() }  // so that no half-drawn bar stands before the error
    while try snapshot.advance() {
      try snapshot.withBytes { try upload.append($0) }
      progress.note(received: snapshot.received, of: snapshot.expected)
    }
    progress.end()
    let received = try snapshot.finish()  // throws before anything is visible
    let (file, revision) = (received.file, received.revision)
    log.info(
      "snapshot verified",
      [
        "snapshot.bytes": file.size, "snapshot.sha256": "\(file.sha256)",
        "snapshot.revision": revision,
        "snapshot.records": file.pages.report?.totalRecords,
        "page.check": file.pages.verdict,
      ])
    // etcd 3.3 tells of it nowhere else.
    if file.pages.report?.isOutOfSpace == true, !member.status.isOutOfSpace {
      warnOfLackingSpace()
    }
    if file.pages.report?.holdsEncryptedValues == true {
      log.info(
        "values are encrypted at rest by Kubernetes",
        ["hint": "Keep the keys of its encryption configuration and its PKI: no backup has them."])
    }
    if case .undecided(let reason) = file.pages {
      log.warning("pages not judged", ["error": reason.description, "hint": reason.hint])
    }
    let sha256 = try upload.finishBlocks()
    let encoding = sha256.map { _ in configuration.encoding.stored(file) }

    stage = .commit
    let histories = try readHistories(
      from: place, of: member.status.clusterID, in: container)
    if case .unreadable(let reason, _) = histories { hold = .unreadable(reason) }
    var book = histories?.book
    let sighting = try sighting(of: member, after: book)
    deadline.beginCommit()
    let time = Timestamp.secondsNow()
    let turn = book?.note(path, of: sighting, at: time)
    let options = configuration.commit.options(at: time, configuration.retention)
    let metadata = BlobMetadata(
      received, from: member, sha256: sha256 ?? file.sha256, encoding: encoding, options, at: time,
      in: book, isRecorded: place != nil)
    let receipt = try commit(upload, to: path, metadata, options)

    stage = .check
    try check(receipt, in: container)
    let record = Record(
      path: path, size: receipt.size, sha256: "\(sha256 ?? file.sha256)", encoding: encoding,
      immutableUntil: options.immutability?.until, revision: revision,
      hasQuorum: member.hasQuorum, pages: file.pages, time: time, duration: elapsed,
      cluster: sighting, book: book)
    log.info(
      "backup stored",
      [
        "blob.path": "\(record.path)", "snapshot.bytes": file.size,
        "blob.bytes": encoding.map { _ in record.size },
        "blob.sha256": encoding.map { _ in record.sha256 }, "encryption": encoding?.encryption,
        "recipients": encoding?.recipientList, "compression": encoding?.compression,
        "blob.blocks": receipt.blocks.count, "blob.tier": options.tier?.rawValue,
        "immutable.until": options.immutability.map { Timestamp.format($0.until) },
        "duration.seconds": elapsed,
      ])
    tell(of: turn, book, record)
    return record
  }

  /// Makes the blob visible, and notes its path as soon as it may be.
  private func commit(
    _ upload: consuming EncodedUpload, to path: BackupPath, _ metadata: BlobMetadata,
    _ options: CommitOptions
  ) throws -> BlobReceipt {
    do {
      let receipt = try upload.commit(metadata: metadata, options: options)
      visiblePath = path
      return receipt
    } catch {
      if case .unresolvedCommit = error { visiblePath = path }
      throw error
    }
  }

  /// Compares what the store holds with what was sent; a blob that differs is taken away again.
  private func check(_ receipt: BlobReceipt, in container: BlobContainer) throws {
    do {
      try container.verify(receipt)
    } catch {
      if case .notAsSent = error {
        // Nothing may mistake it for a backup; if this fails as well, the error still tells.
        if (try? container.delete(receipt.blob, ifMatch: receipt.etag)) == .deleted {
          visiblePath = nil
        }
      }
      throw error
    }
  }

  private func write(_ record: Record, to place: RecordPlace?) throws {
    stage = .record
    defer { deadline.endCommit() }
    guard let place else { return }
    if let book = record.book, book.brokeTime == record.time { note(breakIn: book, in: place) }
    try place.write(record.fields)
    log.info("backup recorded", ["configmap": place.name])
  }

  // MARK: Details

  private var elapsed: Duration { start.duration(to: .now) }

  private func makeSpool() throws -> Spool? {
    guard let folder = configuration.spoolFolder else { return nil }
    return try Spool(in: folder, limit: configuration.spoolLimit ?? .max)
  }

  private func report(_ failure: RunError) {
    var fields: LogFields = [
      "stage": failure.stage.rawValue, "error": failure.cause, "hint": failure.hint,
      "exit.status": failure.status.rawValue,
    ]
    if let visiblePath { fields["blob.path"] = "\(visiblePath)" }
    switch failure.stage {
    case .record: log.error("backup stored, but not recorded", fields)
    case .retention: log.error("backup stored and recorded, but retention failed", fields)
    case _ where visiblePath != nil:
      let remedies = [
        failure.hint, "Run etcd-backup verify, which tells whether the blob is whole.",
      ]
      fields["hint"] = remedies.compactMap { $0 }.joined(separator: " ")
      log.error("backup perhaps stored, but neither confirmed nor recorded", fields)
    default: log.error("no backup taken", fields)
    }
  }
}
