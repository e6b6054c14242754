// What every subcommand begins and ends with: the configuration, the log, a way to be stopped, and an exit status.

internal import ArgumentParser
internal import Backup
internal import Certificates
internal import Console
internal import FoundationEssentials
internal import Glibc

struct Session {
  let environment: [String: String]
  let deadline: RunDeadline
  let log: Log
  let output: StandardOutput
  /// Only on a terminal.
  let progressBar: ProgressBar?
  private let terminationMessagePath: String
  /// How the log says that the command came to nothing.
  private let failing: String

  init(_ configuration: StoreConfiguration, failing: String) {
    Termination.install()
    environment = ProcessInfo.processInfo.environment
    let deadline = RunDeadline(timeout: configuration.timeout) { Termination.isRequested }
    self.deadline = deadline
    output = StandardOutput(deadline)
    let format = Self.format(configuration.logSettings)
    let mustNotWait = { deadline.stopReason != nil }
    log = Log(
      level: configuration.logSettings.logLevel, format: format,
      output: LineOutput(mustNotWait: mustNotWait))
    if Self.isOnTerminal, format == .text {
      let terminal = LineOutput(mustNotWait: mustNotWait)
      progressBar = ProgressBar(width: Self.terminalWidth()) { terminal.write($0) }
    } else {
      progressBar = nil
    }
    terminationMessagePath = configuration.logSettings.terminationMessagePath
    self.failing = failing
  }

  /// What `parse` makes of the environment and of the files that it names.
  static func parse<Value>(
    _ environment: [String: String],
    _ parse: (
      _ environment: [String: String], _ readFile: @escaping (String) throws -> [UInt8]
    ) throws(ConfigurationError) -> Value
  ) throws(ConfigurationError) -> Value {
    // The settings name files with certificates, and no others.
    try parse(environment) { path in try ReadFile.read(at: path, largest: PEMText.largest) }
  }

  /// The same, but ends the process where there are mistakes: all are told, one line each, and
  /// nothing has been contacted.
  static func configuration<Value>(
    failing: String,
    _ parse: (
      _ environment: [String: String], _ readFile: @escaping (String) throws -> [UInt8]
    ) throws(ConfigurationError) -> Value
  ) throws -> Value {
    let environment = ProcessInfo.processInfo.environment
    do throws(ConfigurationError) {
      return try Self.parse(environment, parse)
    } catch {
      throw report(error, environment, failing)
    }
  }

  /// A session of a command that needs the way to the stored backups and nothing else.
  static func withStore(
    failing: String, needingRecord: Bool = false, needingRetention: Bool = false,
    _ work: (Session, BackupStore) throws -> ExitStatus
  ) throws {
    let configuration = try configuration(failing: failing) {
      (environment, readFile) throws(ConfigurationError) in
      try StoreConfiguration(
        environment: environment, needingRecord: needingRecord,
        needingRetention: needingRetention, readFile: readFile)
    }
    let session = Session(configuration, failing: failing)
    try session.conclude {
      let store = try BackupStore(
        configuration, environment: session.environment, deadline: session.deadline,
        log: session.log, progressBar: session.progressBar)
      return try work(session, store)
    }
  }

  /// Does the work and ends the process with its status; an error is logged with what to do.
  func conclude(_ work: () throws -> ExitStatus) throws {
    defer { log.tellOfDroppedLines() }
    let status: ExitStatus
    do {
      status = try work()
    } catch let code as ExitCode {
      throw code
    } catch {
      throw report(CommandError(error), failing)
    }
    guard status == .success else { throw ExitCode(status.rawValue) }
  }

  /// Shows the result where Kubernetes looks for it.
  func leave(_ terminationMessage: String) {
    TerminationMessage.write(terminationMessage, to: terminationMessagePath)
  }

  /// Logs an error with what to do about it, and shows it to Kubernetes.
  @discardableResult func report(_ error: CommandError, _ failing: String) -> ExitCode {
    log.error(
      failing,
      ["error": error.cause, "hint": error.hint, "exit.status": error.status.rawValue])
    leave(TerminationMessage.render(error))
    return ExitCode(error.status.rawValue)
  }

  private static func report(
    _ error: ConfigurationError, _ environment: [String: String], _ failing: String
  ) -> ExitCode {
    let logSettings = LogSettings(environment: environment)
    let log = Log(level: .info, format: format(logSettings))
    for mistake in error.mistakes {
      log.error("wrong configuration", ["error": "\(mistake)"])
    }
    let failure = RunError(error, in: .configuration)
    log.error(
      failing,
      [
        "stage": failure.stage.rawValue, "hint": failure.hint,
        "exit.status": failure.status.rawValue,
      ])
    TerminationMessage.write(
      TerminationMessage.render(failure), to: logSettings.terminationMessagePath)
    return ExitCode(failure.status.rawValue)
  }

  private static var isOnTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  private static func format(_ logSettings: LogSettings) -> LogFormat {
    logSettings.logFormat ?? (isOnTerminal ? .text : .json)
  }

  private static func terminalWidth() -> Int {
    var size = winsize()
    let isKnown = unsafe ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }
}
