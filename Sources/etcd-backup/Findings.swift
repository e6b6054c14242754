internal import Backup

/// Prints lines as they become known, also for callers that cannot fail; what was lost is an error at the end.
final class Findings {
  private let output: StandardOutput
  private var failure: (any Error)?

  init(_ output: StandardOutput) {
    self.output = output
  }

  func line(_ text: String) {
    guard failure == nil else { return }
    do {
      try output.line(text)
    } catch {
      failure = error
    }
  }

  /// Throws unless every line is out.
  func check() throws {
    if let failure { throw failure }
  }
}
