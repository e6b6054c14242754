// `etcd-backup members`, for restore.sh and so not in `--help`: waits until every etcd member serves.

internal import ArgumentParser
internal import Backup
internal import FoundationEssentials

struct Members: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "members",
    abstract: "Waits until every etcd member serves; shows revisions and numbers of keys.",
    discussion: """
      restore.sh ends with it. Asks each endpoint by itself, with the credentials of the run, and \
      changes nothing.

      \(Help.exitStatuses(of: [
        (.success, "every member serves"),
        (.failed, "not every member serves, or that is not known"),
        (.incomplete, "every member was asked until the time was over, and none served"),
      ] + Help.usualStatuses))
      """,
    shouldDisplay: false)

  @Option(help: "Client URLs, one for each member (default: APP_BACKUP_ETCD_ENDPOINTS).")
  var endpoints: String?

  @Option(help: "How many seconds to wait for them.")
  var wait = 300

  func validate() throws {
    guard wait > 0 else { throw ValidationError("--wait takes a number of seconds above zero.") }
  }

  func run() throws {
    var environment = ProcessInfo.processInfo.environment
    if let endpoints { environment["APP_BACKUP_ETCD_ENDPOINTS"] = endpoints }
    Termination.install()
    do {
      let configuration = try Session.parse(environment, Configuration.init)
      let deadline = RunDeadline(timeout: .seconds(wait)) { Termination.isRequested }
      let results = Findings(StandardOutput(deadline))
      let watch = MemberWatch(configuration, environment: environment, deadline: deadline) {
        results.line($0)
      }
      let outcome = try watch.run()
      try results.check()
      switch outcome {
      case .everyMemberServes: break
      case .uncertain: throw ExitCode(ExitStatus.failed.rawValue)
      // The only status after which restore.sh goes back by itself, so no other fault ends with it.
      case .noMemberServed: throw ExitCode(ExitStatus.incomplete.rawValue)
      }
    } catch let error as any OperatorError {
      Output.error(error.description, hint: error.hint)
      let status = error.status == .incomplete ? ExitStatus.failed : error.status
      throw ExitCode(status.rawValue)
    }
  }
}
