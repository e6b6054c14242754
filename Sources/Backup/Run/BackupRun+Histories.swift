// How a run finds out which history its backup belongs to, and applies retention.

internal import Azure
internal import Etcd
internal import Hints
internal import HTTP
internal import Kubernetes
internal import SnapshotFile

extension BackupRun {
  /// What the record says of lineage and histories before this backup; `nil` where it cannot be
  /// asked. Then the backup is taken all the same, without a lineage, and nothing is deleted.
  ///
  /// Where there is no record, the backups in the container tell it that such runs stored of this
  /// cluster.
  func readHistories(
    from place: RecordPlace?, of clusterID: UInt64, in container: BlobContainer
  ) throws -> RecordedHistories? {
    let histories: RecordedHistories
    do {
      histories =
        try place.map { RecordedHistories(try $0.fields()) }
        ?? storedHistories(of: clusterID, in: container)
    } catch let error as any OperatorError where error.stopReason == nil {
      log.warning(
        "\(place == nil ? "the backups could not be listed" : "the record could not be read"), "
          + "so the backup is stored without a lineage",
        ["error": error.description, "hint": error.hint])
      return nil
    }
    if case .unreadable(let reason, let text) = histories {
      let hold = RetentionHold.unreadable(reason)
      // Once it is recorded, the new lineage takes the place of this text.
      log.warning(
        "a new lineage begins", ["error": hold.description, "record": text, "hint": hold.hint])
    }
    return histories
  }

  private func storedHistories(
    of clusterID: UInt64, in container: BlobContainer
  ) throws(AzureError) -> RecordedHistories {
    let folder = configuration.blobPrefix + "/"
    var histories = StoredHistories()
    var listing = container.list(prefix: folder, metadata: StoredHistories.metadataNames)
    while let page = try listing.nextPage() {
      for blob in page {
        guard let backup = StoredBackup(blob, in: folder), backup.oddity == nil,
          backup.unrecordedCluster == clusterID
        else { continue }
        histories.consider(backup, blob.metadata)
      }
    }
    return histories.continued().map { .known($0) } ?? .none
  }

  /// The cluster as the member described it before the snapshot.
  ///
  /// Where its log seems to have gone back, the member is asked again: the linearizable read has
  /// made it catch up since.
  func sighting(
    of member: ChosenMember, after book: HistoryBook?
  ) throws(EtcdError) -> ClusterSighting {
    let status = member.status
    var sighting = ClusterSighting(
      clusterID: status.clusterID, position: status.raftPosition,
      highest: RaftPosition(term: member.highestTerm, index: member.highestIndex))
    guard let running = book?.running, running.clusterID == status.clusterID,
      !running.fits(sighting)
    else { return sighting }
    do throws(EtcdError) {
      let now = try member.statusNow()
      if now.clusterID == status.clusterID {
        sighting.highest = sighting.highest.joined(with: now.raftPosition)
      }
    } catch {
      // What it said before counts.
      if error.stopReason != nil { throw error }
    }
    return sighting
  }

  /// Tells of a break as soon as its backup is stored: it may mean that data was lost an hour ago.
  func tell(of turn: HistoryBook.Turn?, _ book: HistoryBook?, _ record: Record) {
    guard let turn, let book else { return }
    switch turn {
    case .begins: log.info("a lineage begins", ["lineage": "\(book.lineage)"])
    case .continues: break
    case .breaks(let ended):
      log.warning(
        "etcd is not the cluster of the last backup, or has lost its data",
        facts(of: ended, book, record).merging(
          [
            "hint": "Unless etcd was restored or replaced, its data is lost: restore the newest "
              + "backup of the previous history, \(book.previousPath.map { "\($0)" } ?? "see list"). "
              + "Retention keeps it"
              + (book.givesUpNone ? "." : " until etcd-backup retention --forget \(ended.name).")
          ]) { $1 })
    case .resumes(let ended):
      log.warning(
        "etcd is an earlier cluster again, whose history goes on",
        facts(of: ended, book, record).merging(
          [
            "hint": "This is right after restore.sh --undo. Else two clusters write to one record: "
              + "give each a ConfigMap and a blob prefix of its own."
          ]) { $1 })
    }
  }

  /// Writes the ConfigMap that the chart's alert EtcdBackupHistoryBroke looks for. It stays until a
  /// person deletes it.
  ///
  /// Before the record, so that a run that dies between the two meets the break again. Without it the
  /// backup is recorded all the same.
  func note(breakIn book: HistoryBook, in place: RecordPlace) {
    let keys = [Record.brokeTimeKey, Record.previousPathKey]
    do throws(KubernetesError) {
      try place.noteBreak(book.fields.filter { keys.contains($0.key) })
    } catch {
      log.warning(
        "the broken history could not be noted, so no alert will fire",
        [
          "configmap": place.breakName, "error": error.description,
          "hint": error.hint,
        ])
    }
  }

  private func facts(
    of ended: History, _ book: HistoryBook, _ record: Record
  ) -> LogFields {
    [
      "history": book.running.map { "\($0.name)" }, "history.previous": "\(ended.name)",
      "previous.path": book.previousPath.map { "\($0)" },
      "cluster.id": String(record.cluster.clusterID, radix: 16),
      "cluster.id.previous": String(ended.clusterID, radix: 16),
      "raft": "term \(record.cluster.position.term), index \(record.cluster.position.index)",
      "raft.previous": "term \(ended.newest.term), index \(ended.newest.index)",
    ]
  }

  func applyRetention(after record: Record, with access: RunClients) throws {
    stage = .retention
    do {
      let fields = try access.record.map { try recordedFields(naming: record, in: $0) }
      if case .some(nil) = fields { return }
      guard case .sound = record.pages else {
        log.warning(
          "retention left to a run that finds a sound database",
          [
            "page.check": record.pages.verdict,
            "hint": "Keep the older backups: one of them may be the last that is sound.",
          ])
        return
      }
      guard let book = record.book else {
        log.warning(
          "retention left to a run that knows its histories before its commit",
          [
            "hint": access.record == nil
              ? nil : "Allow get on configmaps to the run's service account."
          ])
        return
      }
      let now = Timestamp.secondsNow()
      let basis =
        if case let fields?? = fields {
          RetentionBasis(
            configuration.retention, book, recorded: record.path, fields: fields, now: now,
            hold: hold)
        } else {
          RetentionBasis(
            unrecorded: record.path, of: record.cluster, configuration.retention, book, now: now)
        }
      if let hold = basis.hold {
        log.warning("retention deletes nothing", ["error": hold.description, "hint": hold.hint])
        return
      }
      let retention = Retention(
        of: access.container, under: configuration.blobPrefix, log: log)
      try retention.apply(basis, now: now)
    } catch let error as any OperatorError where error.stopReason == .terminated {
      // The backup is recorded, and old ones do no harm until the next run.
      log.warning("retention left to the next run", ["error": error.description])
    }
  }

  /// The record, while it still names this backup. Should a run beside this one have recorded since,
  /// what that one recorded must stay, and it cleans up itself.
  private func recordedFields(
    naming record: Record, in place: RecordPlace
  ) throws -> [String: String]? {
    let fields = try place.fields()
    let found = fields?[Record.pathKey]
    if found == "\(record.path)" { return fields }
    guard let found, (try? BackupPath(found)) != nil else {
      stage = .record
      throw LostRecord(configMap: place.name, found: found)
    }
    log.warning("retention left to the run that recorded since", ["blob.path": found])
    return nil
  }
}

extension MemberStatus {
  var raftPosition: RaftPosition { RaftPosition(term: raftTerm, index: appliedIndex) }
}
