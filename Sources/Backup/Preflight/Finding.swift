// What one check of the preflight has shown.

package struct Finding: Equatable, Sendable {
  package enum Outcome: String, Sendable, CaseIterable {
    case pass
    /// A backup can be taken, but a person should look into this.
    case warn
    /// No backup can be taken, or it could not be recorded.
    case fail
  }

  package let outcome: Outcome
  /// What was checked, such as `record kyma-system/sc-recorded-etcd-backup-data`.
  package let subject: String
  package let detail: String
  /// What to do about it.
  package let remedy: String?
  /// For a failure: whether retrying fails too until the configuration or a permission changes.
  package let isConfiguration: Bool

  init(
    _ outcome: Outcome, _ subject: String, _ detail: String, remedy: String? = nil,
    isConfiguration: Bool = false
  ) {
    self.outcome = outcome
    self.subject = subject
    self.detail = detail
    self.remedy = remedy
    self.isConfiguration = isConfiguration
  }

  /// A failure for the reason that an error gives.
  init(_ subject: String, _ error: any OperatorError) {
    self.init(
      .fail, subject, error.description, remedy: error.hint,
      isConfiguration: error.isConfiguration)
  }
}

extension Finding {
  /// One for each mistake in the environment.
  package static func findings(of error: ConfigurationError) -> [Finding] {
    error.mistakes.map {
      Finding(
        .fail, "configuration", $0.description,
        remedy: error.hint, isConfiguration: true)
    }
  }
}

extension ExitStatus {
  /// 0 if nothing failed; 78 if every failure needs a change of configuration or permission.
  package init(_ findings: [Finding]) {
    let failures = findings.filter { $0.outcome == .fail }
    self =
      if failures.isEmpty {
        .success
      } else {
        failures.allSatisfy(\.isConfiguration) ? .configuration : .failed
      }
  }
}
