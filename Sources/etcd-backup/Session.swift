/// What every subcommand begins with: the configuration, the log, and a way to be stopped.

internal import Backup
internal import FoundationEssentials
internal import Glibc
internal import Logging

struct Session {
  private let environment: [String: String]

  init(environment: [String: String]) {
    self.environment = environment
  }

  /// Reads the configuration, takes one backup and says how it ended.
  func backUp() -> ExitStatus {
    let configuration: Configuration
    do throws(ConfigurationError) {
      configuration = try Configuration(environment: environment) { path in
        try Array(Data(contentsOf: URL(filePath: path)))
      }
    } catch {
      return report(error)
    }
    let onTerminal = isatty(2) == 1
    let format = configuration.logFormat ?? (onTerminal ? .text : .json)
    let patience = Patience(timeout: configuration.timeout) { Termination.isRequested }
    let run = BackupRun(
      configuration, environment: environment, patience: patience,
      log: Self.logger(configuration.logLevel, format),
      progressBar: onTerminal && format == .text ? ProgressBar(width: Self.terminalWidth()) : nil)
    let result = run.run()
    TerminationMessage.write(
      TerminationMessage.render(result), to: configuration.terminationMessagePath)
    return result.status
  }

  /// All mistakes at once, one line each; nothing has been contacted.
  private func report(_ error: ConfigurationError) -> ExitStatus {
    let format = LogFormat(rawValue: environment["APP_LOGGER_FORMAT"] ?? "")
    let log = Self.logger(.info, format ?? (isatty(2) == 1 ? .text : .json))
    for mistake in error.mistakes {
      log.error("wrong configuration", metadata: ["error": "\(mistake)"])
    }
    let failure = RunError(error)
    log.error(
      "no backup taken",
      metadata: [
        "stage": "\(failure.stage.rawValue)",
        "hint": "etcd-backup --help describes every variable",
        "exit.status": "\(failure.status.rawValue)",
      ])
    let path = environment["APP_TERMINATION_MESSAGE_PATH"] ?? "/dev/termination-log"
    TerminationMessage.write(TerminationMessage.render(failure), to: path)
    return failure.status
  }

  private static func logger(_ level: Logger.Level, _ format: LogFormat) -> Logger {
    Logger(label: "etcd-backup") { _ in LineLog(level: level, format: format) }
  }

  private static func terminalWidth() -> Int {
    var size = winsize()
    let isKnown = unsafe ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }
}
