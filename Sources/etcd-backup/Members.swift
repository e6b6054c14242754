/// `etcd-backup members`, for restore.sh and so not in `--help`: waits until every etcd member serves.

internal import ArgumentParser
internal import Backup
internal import FoundationEssentials
internal import Glibc

struct Members: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "members",
    abstract: "Waits until every etcd member serves; shows revisions and numbers of keys.",
    discussion: """
      restore.sh ends with it. Asks each endpoint by itself, with the credentials of the run, and \
      changes nothing. Ends with status 0 once all of them serve, else with 1.
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
      let patience = Patience(timeout: .seconds(wait)) { Termination.isRequested }
      let watch = MemberWatch(configuration, environment: environment, patience: patience) {
        Output.line($0, to: STDOUT_FILENO)
      }
      guard try watch.run() else { throw ExitCode.failure }
    } catch let error as any Explained {
      Output.error(error.description, hint: error.hint)
      throw ExitCode(error.status.rawValue)
    }
  }
}
