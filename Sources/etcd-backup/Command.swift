/// The command `etcd-backup`: takes one backup and exits with a documented status, or does what a subcommand says.

internal import ArgumentParser
internal import Backup
internal import Console
internal import FoundationEssentials

@main
struct EtcdBackup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "etcd-backup",
    abstract: "Backs an etcd cluster up to Azure Blob Storage, once, and exits.",
    discussion: Help.discussion,
    version: Version.current,
    subcommands: [
      BackUp.self, Check.self, List.self, Retention.self, Download.self, Verify.self, Inspect.self,
      Members.self,
      Volume.self,
    ],
    defaultSubcommand: BackUp.self)

  /// Ends the process with the status of the command; errors have been logged by then.
  static func main() {
    Termination.begin()
    Secrets.registerProxies(of: ProcessInfo.processInfo.environment)
    // Parses the command line, prints help or the version, and knows the status of wrong usage.
    Self.main(nil)
  }
}
