// Whether the recorded backup is still all that there is to back up; any doubt means another backup.

internal import Azure
internal import Encoding
internal import Etcd
internal import HTTP
internal import Kubernetes
internal import SnapshotFile

/// A recorded backup that lacks nothing that was written since.
package struct UnchangedBackup: Equatable, Sendable {
  package let path: BackupPath
  /// Of the blob, in bytes.
  package let size: Int
  package let sha256: String
  package let snapshotSize: Int
  package let snapshotSHA256: String
}

/// Why another backup is needed.
private struct Doubt: Error {
  let reason: String
}

private func require(_ condition: Bool, _ reason: String) throws(Doubt) {
  guard condition else { throw Doubt(reason: reason) }
}

extension BackupRun {
  /// The recorded backup, once the record says that nothing was written since; `nil` where another
  /// one is needed. Throws only where the run must stop.
  ///
  /// Whatever changes etcd's data is an entry in its log. So a member that has applied exactly the
  /// entries that the recorded backup was taken behind, and no other member more, has nothing new.
  func unchangedBackup(
    of member: ChosenMember, with access: RunClients
  ) throws -> UnchangedBackup? {
    guard configuration.skipsUnchanged, let place = access.record else { return nil }
    let reason: String
    do {
      let fields = try place.fields() ?? [:]
      let path = try recordedPath(in: fields)
      try checkRecord(fields)
      try checkCluster(member, against: fields)
      let backup = try storedBackup(path, of: member, fields, in: access.container)
      try place.write([Record.unchangedTimeKey: Timestamp.now()])
      log.info(
        "no backup taken: nothing was written since the recorded one",
        ["blob.path": "\(path)", "configmap": place.name])
      return backup
    } catch let doubt as Doubt {
      reason = doubt.reason
    } catch let error as any OperatorError where error.stopReason == nil {
      reason = error.description
    }
    log.info("another backup is needed", ["reason": reason])
    return nil
  }

  private func recordedPath(in fields: [String: String]) throws(Doubt) -> BackupPath {
    guard let path = fields[Record.pathKey].flatMap({ try? BackupPath($0) }) else {
      throw Doubt(reason: "no backup is recorded")
    }
    try require(
      path.container == configuration.container && path.prefix == configuration.blobPrefix,
      "the recorded backup lies under another prefix or in another container")
    return path
  }

  /// What the next run would not do better.
  private func checkRecord(_ fields: [String: String]) throws(Doubt) {
    try require(fields[Record.quorumKey] == "yes", "the recorded backup was taken without quorum")
    try require(
      fields[Record.pagesKey] == "sound", "the pages of the recorded backup were not found sound")
    guard case .known(let book) = RecordedHistories(fields), book.running != nil,
      !book.isAlternating(at: Timestamp.secondsNow())
    else { throw Doubt(reason: "the record tells no history of this cluster alone") }
  }

  private func checkCluster(
    _ member: ChosenMember, against fields: [String: String]
  ) throws {
    try require(member.hasQuorum, "etcd has no quorum")
    // After the linearizable read: before, the member may not have known of the latest entry.
    let status = try member.statusNow()
    try require(status.tellsAppliedIndex, "etcd \(status.version) does not tell its applied index")
    let found = [
      Record.clusterKey: String(status.clusterID, radix: 16),
      Record.raftTermKey: "\(max(status.raftTerm, member.highestTerm))",
      Record.raftIndexKey: "\(max(status.appliedIndex, member.highestIndex))",
      Record.revisionKey: "\(max(status.revision, member.revision ?? 0))",
    ]
    for (key, value) in found.sorted(by: { $0.key < $1.key }) {
      try require(fields[key] == value, "\(key) is \(fields[key] ?? "missing"), and now \(value)")
    }
    try require(
      "\(SnapshotLayout.fileSize(database: status.databaseSize))" == fields[Record.snapshotSizeKey],
      "the database has another size than the recorded backup")
  }

  /// The blob must be there, as it was recorded and as a run would store it now.
  private func storedBackup(
    _ path: BackupPath, of member: ChosenMember, _ fields: [String: String],
    in container: BlobContainer
  ) throws -> UnchangedBackup {
    guard let blob = try container.properties(of: path.blob) else {
      throw Doubt(reason: "the recorded backup is not there")
    }
    let details = BackupDetails(path.name, blob)
    try require(!details.isArchived, "the recorded backup is in the archive tier")
    let metadata = blob.metadata
    try require(
      "\(blob.size)" == fields[Record.sizeKey] && metadata["sha256"] == fields[Record.sha256Key]
        && metadata["raftterm"] == fields[Record.raftTermKey]
        && metadata["raftindex"] == fields[Record.raftIndexKey],
      "the recorded backup is not as it was recorded")
    try require(
      metadata["memberid"] == String(member.status.memberID, radix: 16),
      "the recorded backup was taken from another member")
    try require(
      configuration.encoding.isSame(as: details.encoding),
      "the recorded backup is not encoded as it would be now")
    try require(
      configuration.commit.isMet(by: blob, at: Timestamp.secondsNow(), configuration.retention),
      "the recorded backup has not the tier or the immutability that it would have now")
    return UnchangedBackup(
      path: path, size: blob.size, sha256: details.sha256 ?? "",
      snapshotSize: details.snapshotSize,
      snapshotSHA256: details.encoding?.snapshotSHA256 ?? details.sha256 ?? "")
  }
}

extension EncodingSettings {
  /// Whether a backup with this encoding is one that a run would store now; its level does not count.
  fileprivate func isSame(as stored: StoredEncoding?) -> Bool {
    recipients.map(\.fingerprint) == stored?.recipients ?? []
      && (compression != nil) == (stored?.isCompressed ?? false)
  }
}

extension CommitSettings {
  /// Whether a blob has what a commit would ask for now; of the time that it is to be protected, half
  /// must be left.
  fileprivate func isMet(by blob: BlobProperties, at now: Int, _ retention: RetentionPolicy) -> Bool
  {
    let wanted = options(at: now, retention)
    if let tier = wanted.tier, blob.accessTier?.lowercased() != tier.rawValue.lowercased() {
      return false
    }
    guard let policy = wanted.immutability else { return true }
    return blob.immutabilityMode?.lowercased() == policy.mode.rawValue.lowercased()
      && (blob.immutableUntil ?? 0) - now >= (policy.until - now) / 2
  }
}
