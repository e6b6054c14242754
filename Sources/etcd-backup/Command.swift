/// The command `etcd-backup`: takes one backup and exits with a documented status.

internal import ArgumentParser
internal import Backup
internal import FoundationEssentials
internal import Glibc
internal import Logging

@main
struct EtcdBackup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "etcd-backup",
    abstract: "Backs an etcd cluster up to Azure Blob Storage, once, and exits.",
    discussion: Help.discussion,
    version: Version.current,
    subcommands: [MembersCommand.self, VolumeCommand.self])

  /// Ends the process with the status of the run; errors have been logged by then.
  static func main() {
    // A server that closes its connection must not end the program.
    _ = signal(SIGPIPE, SIG_IGN)
    Termination.install()
    // Parses the command line, prints help or the version, and knows the status of wrong usage.
    Self.main(nil)
  }

  func run() throws {
    let status = Session(environment: ProcessInfo.processInfo.environment).backUp()
    guard status == .success else { throw ExitCode(status.rawValue) }
  }
}
