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
      VersionCommand.self, Members.self, Volume.self,
    ],
    defaultSubcommand: BackUp.self)

  /// Ends the process with the status of the command; errors have been logged by then.
  static func main() {
    Termination.begin()
    Secrets.registerProxies(of: ProcessInfo.processInfo.environment)
    do {
      // Swift reads them from /proc. Without it, every command would be taken for a backup.
      guard CommandLine.argc > 0 else {
        throw ValidationError("The command line cannot be read: /proc is not mounted.")
      }
      try showHelpToPerson()
      var command = try parse(CommandLine.arguments.dropFirst())
      try command.run()
    } catch {
      end(error)
    }
  }

  /// A person who types the name of the program alone wants to know what it does. In a pod, in a
  /// pipe, and where anything is configured, the same takes a backup.
  private static func showHelpToPerson() throws {
    guard CommandLine.argc == 1, isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1,
      !ProcessInfo.processInfo.environment.keys.contains(where: { $0.hasPrefix("APP_") })
    else { return }
    try Output.print { output in
      try output.lines(
        helpMessage().split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    }
    throw ExitCode(ExitStatus.usage.rawValue)
  }

  /// Parses the command line. An unknown name is the error that counts: the parser would take an
  /// unknown command for an argument of the default one, and the value of an unknown option too.
  private static func parse(_ arguments: ArraySlice<String>) throws -> any ParsableCommand {
    let commands = Dictionary(
      uniqueKeysWithValues: configuration.subcommands.map { command in
        (command.configuration.commandName ?? "\(command)".lowercased(), command)
      })
    let words = arguments.prefix { !$0.hasPrefix("-") }
    let word = words.first == "help" ? words.dropFirst().first : words.first
    if let word, word != "help", commands[word] == nil {
      throw unknown("command", word, among: Array(commands.keys))
    }
    do {
      return try parseAsRoot(Array(arguments))
    } catch {
      guard !exitCode(for: error).isSuccess else { throw error }
      let help = word.flatMap { commands[$0] }.map { helpMessage(for: $0) } ?? helpMessage()
      let options = help.split { !($0.isLetter || $0 == "-") }.map(String.init)
        .filter { $0.hasPrefix("--") }
      let given = arguments.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }
        .map { String($0.prefix { $0 != "=" }) }
      guard word != "volume", let option = given.first(where: { !options.contains($0) }) else {
        throw error
      }
      throw unknown("option", option, among: options)
    }
  }

  private static func unknown(
    _ kind: String, _ name: String, among known: [String]
  ) -> ValidationError {
    let nearest = Spelling.nearest(to: name, among: known.sorted())
    return ValidationError(
      "Unknown \(kind) '\(name)'." + (nearest.map { " Did you mean '\($0)'?" } ?? ""))
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
