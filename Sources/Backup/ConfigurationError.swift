/// What is wrong with the environment, all of it at once.

package import AzureBlob

package struct ConfigurationError: Error, Equatable {
  package struct Mistake: Equatable, Sendable {
    package let variable: String
    /// `nil` where it is not set.
    package let problem: InvalidValue?
  }

  package let mistakes: [Mistake]
}

extension ConfigurationError: CustomStringConvertible {
  package var description: String { mistakes.map(\.description).joined(separator: "; ") }
}

extension ConfigurationError.Mistake: CustomStringConvertible {
  package var description: String {
    problem.map { "\(variable): \($0)" } ?? "\(variable) is required, but not set"
  }
}
