// What is said of a backup's fate, in tables and in JSON.

internal import Backup

extension RetentionVerdict {
  /// `kept`, `next-run` or `after`; `ignored` for what no snapshot can be.
  var word: String {
    switch self {
    case .stays(.odd(.size)): "ignored"
    case .stays: "kept"
    case .goes: "next-run"
    case .goesAfter: "after"
    }
  }

  /// Why it stays, or why it goes.
  var reason: String {
    switch self {
    case .stays(let reason): reason.text(.utc)
    case .goes: "expired, and nothing else keeps it"
    case .goesAfter: "not expired yet, and nothing else keeps it"
    }
  }

  /// In seconds since 1970.
  var time: Int? {
    if case .goesAfter(let time) = self { time } else { nil }
  }

  func text(_ clock: Clock) -> String {
    switch self {
    case .stays(let reason): "kept: \(reason.text(clock))"
    case .goes: "deleted by the next run: expired"
    case .goesAfter(let time): "deleted after \(clock.format(time))"
    }
  }
}

extension RetentionReason {
  func text(_ clock: Clock) -> String {
    switch self {
    case .recorded: "recorded"
    case .verified: "last verified"
    case .previous: "newest of the previous history"
    case .odd(.size(let bytes)): "no snapshot has \(bytes) bytes"
    case .odd(.times): "its times disagree by more than a day"
    case .odd(.metadata): "its metadata are not those of a run"
    case .otherLineage: "of another lineage"
    case .strayed: "of a history that the record does not know"
    case .unknownAmongOthers: "without a lineage, beside another one"
    case .newest: "one of the newest"
    case .newestOf(let period, nil): "newest of its \(period.rawValue)"
    case .newestOf(let period, let time?):
      "newest of its \(period.rawValue) until \(clock.format(time))"
    case .newestUnknown: "one of the newest without a lineage"
    case .newestOfEnded(let time):
      "one of the newest of its history until \(clock.format(time))"
    case .lastOfEnded: "the newest of its history"
    case .held(let hold): hold.description
    }
  }
}
