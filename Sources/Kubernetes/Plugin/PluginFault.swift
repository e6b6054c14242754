// Why an exec plugin gave no credential.

package import Certificates
internal import HTTP

package struct PluginFault: Error, Equatable {
  package enum Problem: Error, Equatable {
    case missing(installHint: String?)
    /// In the words of the kernel.
    case notStarted(reason: String)
    /// Arguments and variables are more than the kernel hands over.
    case tooMuchInput
    /// `lastLine` is of its standard error.
    case failed(status: Int32, lastLine: String?)
    case killed(signal: Int32)
    case tookTooLong(Duration, lastLine: String?)
    case tooMuchOutput
    /// What is wrong with the answer, as what follows its name.
    case unreadable(String)
    case certificate(CertificateFault)
    /// Seconds since 1970.
    case expired(at: Int, now: Int)
  }

  /// The user of the kubeconfig that names it.
  package let entry: KubeconfigEntry
  package let command: String
  package let problem: Problem
}

extension PluginFault {
  /// Whether the same plugin may well succeed a little later.
  package var isTransient: Bool {
    switch problem {
    case .failed, .killed, .tookTooLong: true
    default: false
    }
  }
}

extension PluginFault: CustomStringConvertible {
  package var description: String {
    "the plugin \(command) of \(entry) of the kubeconfig \(text)"
  }

  private var text: String {
    switch problem {
    case .missing:
      command.contains("/") ? "is not there" : "is in no folder of PATH"
    case .notStarted(let reason): "could not be started: \(reason)"
    case .tooMuchInput: "could not be started: its arguments and variables are too large"
    case .failed(let status, let line):
      "exited with status \(status)" + (line.map { ": \($0)" } ?? " and printed no reason")
    case .killed(let signal): "was ended by signal \(signal)"
    case .tookTooLong(let limit, let line):
      "did not end within \(limit.components.seconds) s and was killed"
        + (line.map { "; its last line was: \($0)" } ?? "")
    case .tooMuchOutput: "printed more than 1 MiB and was killed"
    case .unreadable(let problem): "printed a response that \(problem)"
    case .certificate(let fault): "printed a client certificate that cannot be used: \(fault)"
    case .expired(let time, let now):
      "printed a credential that expired at \(ISO8601.format(time)); this machine's clock shows "
        + ISO8601.format(now)
    }
  }
}
