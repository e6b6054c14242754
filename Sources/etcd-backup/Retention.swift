// `etcd-backup retention`: lineages and histories, what goes and why; a person adopts or gives up.

internal import ArgumentParser
internal import Backup
internal import Glibc

struct Retention: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show lineages and histories, and what retention will delete.",
    discussion: """
      A lineage is all that was recorded in one ConfigMap. A history is one unbroken
      life of etcd, named by its first backup. Without --adopt or --forget, nothing is
      changed.

      --adopt LINEAGE takes a lineage over, such as after the ConfigMap was lost: from
      then on its backups are this record's, and those of the lineage so far are left
      alone. Of this record's own lineage, it confirms that the running history is the
      right one: backup-previous-history-path and backup-history-broke-time become
      empty, and nothing is deleted.

      --forget NAME gives up an ended history of this record, or another lineage: its
      backups are deleted, but for the recorded one, the last verified one, the newest
      of the previous history, and what the store protects. It asks on a terminal, and
      needs --yes elsewhere. Once the previous history is given up, its newest backup
      is kept no more than any other: a second --forget deletes it.

      \(Help.storeVariables)
      It needs APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING,
      APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS and APP_CLEANER_EXPIRATION_BLOB_TIME
      as well.

      \(Help.exitStatuses(of: [
        (.success, "shown, adopted or given up; or the question was answered with no"),
        (.failed, "the store or Kubernetes could not be asked; retrying may help"),
        (.incomplete, "given up in part: a deletion or the record failed"),
        (.usage, "wrong command line, or --forget without a terminal and without --yes"),
        (.configuration, "configuration or permission is wrong, or there is no such name"),
        (.terminated, "stopped by a signal"),
      ]))
      """)

  @Option(help: ArgumentHelp("Take over a lineage.", valueName: "lineage"))
  var adopt: BackupULID?

  @Option(help: ArgumentHelp("Give up a history or a lineage.", valueName: "name"))
  var forget: BackupULID?

  @Flag(help: "Give up without a question.")
  var yes = false

  @Option(name: .shortAndLong, help: OutputFormat.help)
  var output = OutputFormat.table

  func validate() throws {
    if adopt != nil, forget != nil { throw ValidationError("Say --adopt or --forget, not both.") }
    if yes, forget == nil { throw ValidationError("--yes goes with --forget only.") }
    if forget != nil, !yes, isatty(STDIN_FILENO) != 1 {
      throw ValidationError("--forget asks on a terminal; say --yes where there is none.")
    }
  }

  func run() throws {
    try Session.withStore(
      failing: "retention not shown or changed", needingRecord: true, needingRetention: true
    ) { session, store in
      if let adopt {
        _ = try store.adopt(adopt.name, at: Timestamp.secondsNow())
      } else if let forget {
        let plan = try store.planToForget(forget.name, at: Timestamp.secondsNow())
        guard try yes || isConfirmed(plan, session) else { return .success }
        do {
          try store.forget(plan)
        } catch {
          session.report(CommandError(error, status: .incomplete), "given up in part only")
          return .incomplete
        }
      }
      let overview = RetentionOverview(try store.catalog(at: Timestamp.secondsNow()))
      if let format = output.document {
        try session.output.write(format.encode(overview))
      } else {
        try session.output.lines(overview.lines)
      }
      return .success
    }
  }

  private func isConfirmed(_ plan: Forgetting, _ session: Session) throws -> Bool {
    let output = session.output
    let kind = plan.isLineage ? "lineage" : "history"
    try output.line("\(plan.going.count) backups of the \(kind) \(plan.name) will be deleted:")
    try output.lines(plan.going.map { "  \($0.name)  \(Timestamp.format($0.written))" })
    try output.lines(plan.staying.map { "  \($0.name)  \(Timestamp.format($0.written))  stays" })
    try output.write("Type yes to delete them: ")
    return try StandardInput.line(session.deadline) == "yes"
  }
}

/// The name of a lineage or of a history.
struct BackupULID: ExpressibleByArgument {
  let name: ULID

  init?(argument: String) {
    guard let name = ULID(argument) else { return nil }
    self.name = name
  }
}
