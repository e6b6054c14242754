// What the check of a database's pages came to, where it did not end in an error.

package enum PageCheck: Equatable, Sendable {
  case off
  /// What is inside.
  case sound(DatabaseReport)
  /// To decide would take more memory than a run may use.
  case undecided(BoltError)

  package var report: DatabaseReport? {
    if case .sound(let report) = self { report } else { nil }
  }

  /// As the log, the record and the metadata name it.
  package var verdict: String {
    switch self {
    case .off: "off"
    case .sound: "sound"
    case .undecided: "undecided"
    }
  }
}
