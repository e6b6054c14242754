// `etcd-backup backup`, which is also what `etcd-backup` alone does: takes one backup.

internal import ArgumentParser
internal import Backup

struct BackUp: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Take one backup, verify, record it, and apply retention (the default).",
    discussion: Help.exitStatuses(of: ExitStatus.allCases.map { ($0, $0.meaning) }))

  func run() throws {
    let configuration = try Session.configuration(
      failing: "no backup taken", Configuration.init)
    let session = Session(configuration.store, failing: "no backup taken")
    try session.conclude {
      let run = BackupRun(
        configuration, environment: session.environment, deadline: session.deadline,
        log: session.log, progressBar: session.progressBar)
      let result = run.run()
      session.leave(TerminationMessage.render(result))
      return result.status
    }
  }
}
