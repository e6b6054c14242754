// The preflight's questions to the store: the container, the clock, writing, the recorded backup, and retention.

internal import Azure
internal import HTTP

extension Preflight {
  func checkStore(_ container: BlobContainer, record: [String: String]??) throws {
    let subject = "container \(container.name)"
    let prefix = configuration.blobPrefix + "/"
    let probe = try attempt(subject) {
      let probe = try container.probe(under: prefix)
      let properties = try container.properties()
      let isProtected = properties.map { $0.hasImmutabilityPolicy || $0.hasLegalHold } ?? false
      add(
        .pass, subject,
        "is there, and \(container.credential.grant.name) opens it"
          + (isProtected ? "; its policy keeps blobs that retention gives up" : ""))
      return probe
    }
    if let token = container.credential.token { add(.pass, "credential", "\(token)") }
    guard let probe else { return }
    add(
      .pass, "listing of \(container.name)",
      "was allowed under \(prefix)" + (probe.hasBlob ? "" : ", where no blob was listed"))
    try checkCommit(container)
    checkClock(probe)
    try checkWriting(to: container)
    if let recorded = (record ?? nil)?[Record.pathKey].flatMap({ try? BackupPath($0) }) {
      try checkRecorded(recorded, container)
    }
    try checkRetention(container, record: record)
  }

  private func checkCommit(_ container: BlobContainer) throws {
    let options = configuration.commit.options
    guard !options.isEmpty else { return }
    try attempt("commit") {
      try container.checkSupport(of: options)
      add(
        .pass, "commit",
        "neither account nor container says that it lacks what is asked for; a commit shows the rest"
      )
    }
  }

  private func checkClock(_ probe: ContainerProbe) {
    guard let seconds = probe.secondsAhead else {
      return add(.warn, "clock", "the store did not tell the time")
    }
    let text = "\(abs(seconds)) s \(seconds < 0 ? "behind" : "ahead of") the store's"
    guard probe.showsWrongClock else { return add(.pass, "clock", text) }
    add(.warn, "clock", text, remedy: ContainerProbe.clockHint)
  }

  private func checkWriting(to container: BlobContainer) throws {
    let runID = RunID.random()
    let blob = try BlobName("\(configuration.blobPrefix)/check-\(runID)")
    try attempt("writing to \(container.name)") {
      try container.stageBlock(at: blob, runID: runID)
      add(.pass, "writing to \(container.name)", "a block was stored; it never becomes a blob")
    }
    let reading = "reading from \(container.name)"
    try attempt(reading) {
      _ = try container.properties(of: blob)
      add(.pass, reading, "was allowed, tried on a name that no blob has")
    }
    let subject = "deleting from \(container.name)"
    try attempt(subject) {
      if try container.delete(blob) == .protected {
        return add(
          .warn, subject, "a policy or a lease protects what is there from the start",
          remedy: "Retention deletes nothing before that ends.")
      }
      add(.pass, subject, "was allowed, tried on a name that no blob has")
    }
  }

  private func checkRecorded(_ path: BackupPath, _ container: BlobContainer) throws {
    try attempt("recorded backup") {
      let blob = try container.sibling(named: path.container).properties(of: path.blob)
      guard let blob else {
        return add(
          .fail, "recorded backup", "\(path) is not there: a restore of it would fail",
          remedy: "Take a backup now, which is then recorded. For a restore see etcd-backup list.")
      }
      let details = BackupDetails(path.name, blob)
      let text =
        "\(path), \(ByteCount.describe(UInt64(details.size))), "
        + "stored \(Timestamp.format(details.lastModified))"
      if details.isArchived {
        return add(
          .fail, "recorded backup",
          "\(text), in the archive tier: a restore of it would fail until it is moved out",
          remedy: "Exclude the prefix from the account's lifecycle rules: to read an archived blob "
            + "takes hours.")
      }
      add(.pass, "recorded backup", "\(text), is there; etcd-backup verify reads it")
    }
  }

  private func checkRetention(_ container: BlobContainer, record: [String: String]??) throws {
    try attempt("retention") {
      let folder = configuration.blobPrefix + "/"
      var stored: [StoredBackup] = []
      var now = Timestamp.secondsNow()
      var pages = container.list(prefix: folder, metadata: StoredBackup.metadataNames)
      while let page = try pages.nextPage() {
        now = min(now, pages.storeClock ?? now)
        stored += page.compactMap { StoredBackup($0, in: folder) }
      }
      if configuration.recordConfigMapName == nil {
        let own = stored.count { $0.unrecordedCluster != nil }
        return add(
          Self.retentionFinding(
            configuration.retention,
            count: "\(stored.count) stored, \(own) of them without a record: a run deletes only of "
              + "these, and only those of the same cluster"))
      }
      let forecast = RetentionForecast(
        configuration.retention, fields: record ?? nil, of: stored,
        next: try BackupPath(
          container: configuration.container, prefix: configuration.blobPrefix,
          name: ULID(milliseconds: UInt64(max(now, 0)) * 1000)),
        checkingPages: configuration.checksPages, now: now)
      add(
        Self.retentionFinding(
          configuration.retention, stored: stored.count,
          goingNext: stored.count { forecast.verdict(on: $0) == .goes }))
      // Whose backups they are, only the record tells.
      if record != nil { Self.historyFindings(forecast).forEach(add) }
    }
  }

  /// What a person should know of histories and lineages.
  package static func historyFindings(_ forecast: RetentionForecast) -> [Finding] {
    let book = forecast.book
    var findings: [Finding] = []
    switch forecast.hold {
    case .alternation?:
      findings.append(
        Finding(
          .fail, "history", "\(RetentionHold.alternation)", remedy: RetentionHold.alternation.hint,
          isConfiguration: true))
    case .unreadable(let reason)?:
      let hold = RetentionHold.unreadable(reason)
      // Then the lineage of the backups is unknown.
      return [Finding(.warn, "history", "\(hold)", remedy: hold.hint)]
    case .uncheckedPages?, nil: break
    }
    if let previous = book.previousPath, let running = book.running {
      let time = book.brokeTime.map { " at \(Timestamp.format($0))" } ?? ""
      findings.append(
        Finding(
          .warn, "history",
          "\(running.name) took the place of another one\(time), whose newest backup is \(previous)",
          remedy: "Unless etcd was restored or replaced, its data is lost: restore that backup. "
            + "etcd-backup retention shows the histories; --forget or --adopt \(book.lineage) ends "
            + "this warning."))
    }
    if forecast.counts.otherLineage > 0 {
      let lineages = forecast.counts.otherLineages.map { "\($0)" }.sorted().joined(separator: ", ")
      findings.append(
        Finding(
          .fail, "lineage",
          "\(forecast.counts.otherLineage) backups under the prefix belong to another record: "
            + lineages,
          remedy: RetentionHold.otherLineageHint, isConfiguration: true))
    }
    return findings
  }

  /// A run never deletes its own backup, so one always stays: the question is whether any other
  /// does, should that one turn out to be of no use.
  package static func retentionFinding(
    _ policy: RetentionPolicy, stored: Int, goingNext: Int
  ) -> Finding {
    retentionFinding(policy, count: "\(stored) stored, the next run deletes \(goingNext)")
  }

  private static func retentionFinding(_ policy: RetentionPolicy, count: String) -> Finding {
    let periods = policy.periods
    let kept = [periods.days, periods.weeks, periods.months]
    if max(policy.minimumCount, kept.max() ?? 0) < 2 {
      return Finding(
        .warn, "retention", "\(count); only the newest backup is sure to stay",
        remedy: "Set APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS to 2 or more, so that there is "
          + "another one to turn to.")
    }
    let names = zip(kept, ["days", "weeks", "months"]).filter { $0.0 > 0 }
      .map { ", and the newest of \($0.0) \($0.1)" }.joined()
    return Finding(
      .pass, "retention", "\(count); the newest \(policy.minimumCount)\(names) stay, however old")
  }
}
