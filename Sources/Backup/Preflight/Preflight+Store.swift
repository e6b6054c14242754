/// The preflight's questions to the store: the container, the clock, writing, the recorded backup, and retention.

internal import AzureBlob
internal import HTTP

extension Preflight {
  func checkStore(_ container: BlobContainer, recorded: BackupPath?) throws {
    let subject = "container \(container.name)"
    guard let properties = try attempt(subject, { try container.properties() }) else { return }
    let isProtected = properties.hasImmutabilityPolicy || properties.hasLegalHold
    add(
      .pass, subject,
      "can be reached" + (isProtected ? "; its policy keeps blobs that retention gives up" : ""))
    checkClock(properties)
    try checkWriting(to: container)
    if let recorded { try checkRecorded(recorded, container) }
    try checkRetention(container)
  }

  private func checkClock(_ properties: ContainerProperties) {
    guard let seconds = properties.secondsAhead else {
      return add(.warn, "clock", "the store did not tell the time")
    }
    let text = "\(abs(seconds)) s \(seconds < 0 ? "behind" : "ahead of") the store's"
    guard properties.showsWrongClock else { return add(.pass, "clock", text) }
    add(.warn, "clock", text, remedy: ContainerProperties.clockHint)
  }

  private func checkWriting(to container: BlobContainer) throws {
    let runID = RunID.random()
    try attempt("writing to \(container.name)") {
      let blob = try BlobName("\(configuration.blobPrefix)/check-\(runID)")
      try container.proveWritable(at: blob, runID: runID)
      add(.pass, "writing to \(container.name)", "blocks can be stored and blobs deleted")
    }
  }

  private func checkRecorded(_ path: BackupPath, _ container: BlobContainer) throws {
    try attempt("recorded backup") {
      let blob = try container.sibling(named: path.container).properties(of: path.blob)
      guard let blob else {
        return add(
          .warn, "recorded backup", "\(path) is not there",
          remedy: "the next run records another; for a restore see etcd-backup list")
      }
      let details = BackupDetails(path.name, blob)
      let text =
        "\(path), \(ByteCount.describe(UInt64(details.size))), "
        + "stored \(Timestamp.format(details.lastModified))"
      if details.isArchived {
        return add(
          .warn, "recorded backup", "\(text), in the archive tier",
          remedy: "exclude the prefix from the account's lifecycle rules: to read an archived blob "
            + "takes hours")
      }
      add(.pass, "recorded backup", text)
    }
  }

  private func checkRetention(_ container: BlobContainer) throws {
    try attempt("retention") {
      let folder = configuration.blobPrefix + "/"
      var stored: [StoredBackup] = []
      var pages = container.list(prefix: folder)
      while let page = try pages.nextPage() {
        stored += page.compactMap { StoredBackup($0, in: folder) }
      }
      let outlook =
        configuration.store.outlook(of: stored.sorted(by: >), at: Timestamp.secondsNow()) ?? []
      add(
        Self.retentionFinding(
          configuration.retention, stored: stored.count,
          goingNext: outlook.count { $0 == .deletedByNextRun }))
    }
  }

  /// A run never deletes its own backup, so one always stays: the question is whether any other
  /// does, should that one turn out to be of no use.
  package static func retentionFinding(
    _ policy: RetentionPolicy, stored: Int, goingNext: Int
  ) -> Finding {
    let count = "\(stored) stored, the next run deletes \(goingNext)"
    if policy.minimumCount < 2 {
      return Finding(
        .warn, "retention", "\(count); only the newest backup is sure to stay",
        remedy: "set APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS to 2 or more, so that there is "
          + "another one to turn to")
    }
    return Finding(
      .pass, "retention", "\(count); the newest \(policy.minimumCount) stay, however old")
  }
}
