// The command `etcd-backup`: takes one backup and exits with a documented status, or does what a subcommand says.

internal import ArgumentParser
internal import Backup
internal import Console
internal import FoundationEssentials
internal import Glibc

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
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      end(error)
    }
  }

  /// Prints help, the version, or what is wrong with the command line, and ends with the status of
  /// that; what has a status of its own has said everything.
  private static func end(_ error: any Error) -> Never {
    var status = exitCode(for: error)
    let lines = fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
    if lines != [""] {
      do {
        if status.isSuccess {
          try Output.print { try $0.lines(lines.map(String.init)) }
        } else {
          LineOutput().write(lines.map { Printable.text(String($0)) + "\n" }.joined())
        }
      } catch {
        status = exitCode(for: error)
      }
    }
    Glibc.exit(status.rawValue)
  }
}
