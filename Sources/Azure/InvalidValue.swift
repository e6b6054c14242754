// A setting that cannot be what it should be, found before anything is contacted.

package struct InvalidValue: Error, Equatable {
  /// As it was given, without anything that may be a secret.
  package let value: String
  /// What it should have been, as a noun phrase.
  package let expected: String

  package init(_ value: String, expected: String) {
    self.value = value
    self.expected = expected
  }
}

extension InvalidValue: CustomStringConvertible {
  package var description: String { "\"\(value)\" is not \(expected)" }
}
