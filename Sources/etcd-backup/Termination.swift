// SIGTERM, SIGINT, SIGHUP and SIGQUIT: stored here, and checked by every wait; and the last line after a crash.

internal import Backup
internal import CProcess
internal import FoundationEssentials

enum Termination {
  static var isRequested: Bool { process_stop_requested() }

  /// First of all: until `install` a signal ends the process at once, with the status that it has
  /// later as well.
  static func begin() {
    let logSettings = LogSettings(environment: ProcessInfo.processInfo.environment)
    let words = CrashReport(logSettings)
    unsafe process_begin(logSettings.terminationMessagePath, words.line, words.message)
  }

  /// From now on a signal is only remembered.
  static func install() {
    process_stop_gracefully()
  }
}
