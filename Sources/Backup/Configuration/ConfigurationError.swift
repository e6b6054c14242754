// What is wrong with the environment, all of it at once.

package import Azure
package import HTTP

package struct ConfigurationError: OperatorError, Equatable {
  package struct Mistake: Equatable, Sendable {
    package let variable: String
    /// `nil` where it is not set.
    package let problem: InvalidValue?
  }

  package let mistakes: [Mistake]
}

extension ConfigurationError {
  package var description: String { mistakes.map(\.description).joined(separator: "; ") }
  package var hint: String? { "Run etcd-backup --help: it describes every variable." }
  package var isConfiguration: Bool { true }
  package var stopReason: StopReason? { nil }
}

extension ConfigurationError.Mistake: CustomStringConvertible {
  package var description: String {
    problem.map { "\(variable): \($0)" } ?? "\(variable) is required, but not set"
  }
}
