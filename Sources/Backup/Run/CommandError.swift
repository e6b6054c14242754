// A failure of any command but the backup itself: what happened, what to do, and the exit status.

package struct CommandError: Error, Equatable {
  /// What failed, on what, and why.
  package let cause: String
  package let hint: String?
  package let status: ExitStatus

  /// What to do where the error itself tells of nothing that could be mended.
  private static let hintOfAnotherAttempt =
    "Run the command again. If it fails in the same way, look at what the error names."

  init(cause: String, hint: String?, status: ExitStatus) {
    (self.cause, self.hint, self.status) = (cause, hint, status)
  }

  /// `status` is given where the error is not the command's whole outcome.
  package init(_ error: any Error, status: ExitStatus? = nil) {
    guard let error = error as? any OperatorError else {
      cause = "\(error)"
      hint = Self.hintOfAnotherAttempt
      self.status = status ?? .failed
      return
    }
    cause = error.description
    // A signal is no fault that could be mended.
    hint = error.status == .terminated ? nil : error.hint ?? Self.hintOfAnotherAttempt
    self.status = status ?? error.status
  }
}
