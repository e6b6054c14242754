// Days, weeks and months whose newest backups stay, beside the newest of all.

/// A day, a week from Monday on, or a month, in UTC.
package enum Period: String, CaseIterable, Sendable {
  case day, week, month

  /// Tells the periods apart; a later one has a higher number. `time` is in seconds since 1970.
  func number(at time: Int) -> Int {
    let day = Self.quotient(time, 86_400)
    return switch self {
    case .day: day
    // The first day of 1970 was a Thursday.
    case .week: Self.quotient(day + 3, 7)
    case .month: Self.month(ofDay: day)
    }
  }

  /// Rounded down.
  private static func quotient(_ number: Int, _ divisor: Int) -> Int {
    (number >= 0 ? number : number - divisor + 1) / divisor
  }

  /// In years from March on, a leap day is the last day, so the months before it never move.
  private static func month(ofDay day: Int) -> Int {
    let (daysOf400Years, daysUntil1970) = (146_097, 719_468)  // from 1 March of the year 0
    let shifted = day + daysUntil1970
    let era = quotient(shifted, daysOf400Years)
    let dayOfEra = shifted - era * daysOf400Years
    let year = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
    return (era * 400 + year) * 12 + (5 * dayOfYear + 2) / 153
  }
}

/// Of how many of them the newest backups stay. Periods without a backup do not count.
package struct KeptPeriods: Equatable, Sendable {
  package let days: Int
  package let weeks: Int
  package let months: Int

  package static let none = KeptPeriods()

  package init(days: Int = 0, weeks: Int = 0, months: Int = 0) {
    self.days = days
    self.weeks = weeks
    self.months = months
  }

  package subscript(period: Period) -> Int {
    switch period {
    case .day: days
    case .week: weeks
    case .month: months
    }
  }
}

/// What of one history stays whatever its age, as far as its backups were seen: the newest, and the
/// newest of each period that counts.
struct NewestBackups {
  private(set) var newest = BoundedHeap<StoredBackup>(by: <)
  private var newestOf: [Period: [Int: StoredBackup]] = [:]

  /// Returns those that nothing in here keeps any more, the new one perhaps among them. None of them
  /// is ever kept again: what pushed it out is newer.
  mutating func insert(
    _ backup: StoredBackup, keeping count: Int, _ kept: KeptPeriods
  ) -> [StoredBackup] {
    var pushedOut = newest.insert(backup, keeping: count).map { [$0] } ?? []
    for period in Period.allCases where kept[period] > 0 {
      guard let other = insert(backup, in: period, keeping: kept[period]) else { continue }
      if !pushedOut.contains(where: { $0.name == other.name }) { pushedOut.append(other) }
    }
    return pushedOut.filter { !isAmongNewest($0, of: count) && period(keeping: $0) == nil }
  }

  private mutating func insert(
    _ backup: StoredBackup, in period: Period, keeping count: Int
  ) -> StoredBackup? {
    let number = period.number(at: backup.written)
    var backups: [Int: StoredBackup] = [:]
    swap(&backups, &newestOf[period, default: [:]])  // so that it is not copied
    defer { newestOf[period] = backups }
    if let held = backups[number] {
      guard backup > held else { return backup }
      backups[number] = backup
      return held
    }
    backups[number] = backup
    guard backups.count > count, let oldest = backups.keys.min() else { return nil }
    return backups.removeValue(forKey: oldest)
  }

  private func isAmongNewest(_ backup: StoredBackup, of count: Int) -> Bool {
    guard newest.elements.count >= count else { return true }
    return newest.elements.first.map { backup >= $0 } ?? false
  }

  /// The period whose newest backup it is; the shortest of them.
  func period(keeping backup: StoredBackup) -> Period? {
    Period.allCases.first { period in
      newestOf[period]?[period.number(at: backup.written)]?.name == backup.name
    }
  }

  /// Each once.
  var all: [StoredBackup] {
    let backups = newest.elements + newestOf.values.flatMap(\.values)
    return Array(Dictionary(backups.map { ($0.name, $0) }) { one, _ in one }.values)
  }
}
