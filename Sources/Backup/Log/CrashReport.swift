/// What a process that crashes leaves behind, made beforehand: a signal handler can only write.
package struct CrashReport {
  /// For standard error.
  package let line: String
  /// For the termination message.
  package let message: String

  private static let cause = "the program crashed (signal 00)"
  private static let hint =
    "This is a defect of etcd-backup. Report it with the log; the next run starts anew."

  package init(_ logSettings: LogSettings) {
    line =
      logSettings.logFormat == .text
      ? "ERROR \(Self.cause)  exit.status=1\n\(Log.hintIndent)hint: \(Self.hint)\n"
      : "{\"level\":\"error\",\"msg\":\"\(Self.cause)\",\"exit.status\":1,"
        + "\"hint\":\"\(Self.hint)\"}\n"
    message =
      TerminationMessage.render(CommandError(cause: Self.cause, hint: Self.hint, status: .failed))
      + "\n"
  }
}
