// How a command tells what happens: also one whose environment is wrong elsewhere.

package struct LogSettings: Sendable {
  package let logLevel: LogLevel
  /// `nil` leaves the choice to whether the log goes to a terminal.
  package let logFormat: LogFormat?
  package let terminationMessagePath: String

  /// What is wrong is complained of, and counts as not set.
  init(_ reader: inout EnvironmentReader) {
    logLevel = reader.required(.logLevel, ConfigurationValue.logLevel) ?? .info
    logFormat = reader.optional(.logFormat, ConfigurationValue.logFormat)
    terminationMessagePath = reader.required(.terminationMessage) { $0 } ?? ""
  }

  package init(environment: [String: String]) {
    var reader = EnvironmentReader(environment) { _ in [] }
    self.init(&reader)
  }
}
