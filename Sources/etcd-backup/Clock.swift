// Points in time as a person reads them in a table.

internal import ArgumentParser
internal import Backup
internal import Glibc

/// The zone in which a table shows times.
enum Clock {
  case utc, local

  /// The column heading; every time says its offset itself.
  var heading: String {
    switch self {
    case .utc: "TIME (UTC)"
    case .local: "TIME (LOCAL)"
    }
  }

  /// `2026-11-22T09:30:00Z`, or `2026-11-22T10:30:00+01:00` in the terminal's zone.
  ///
  /// A zone that this machine has no data for, such as in the image, is UTC: `+00:00`.
  func format(_ seconds: Int) -> String {
    guard self == .local else { return Timestamp.format(seconds) }
    var time = time_t(seconds)
    var parts = unsafe tm()
    tzset()
    // Only a year beyond what an Int32 holds has no parts.
    guard unsafe localtime_r(&time, &parts) != nil else { return Timestamp.format(seconds) }
    let offset = unsafe parts.tm_gmtoff
    let clock = Timestamp.format(seconds + offset).dropLast()
    let minutes = abs(offset) / 60
    return
      "\(clock)\(offset < 0 ? "-" : "+")\(Self.digits(minutes / 60)):\(Self.digits(minutes % 60))"
  }

  /// `45s`, `12m`, `5h` or `9d`: the largest unit of which there are two.
  static func age(_ seconds: Int) -> String {
    switch seconds {
    case ..<120: "\(max(seconds, 0))s"
    case ..<7200: "\(seconds / 60)m"
    case ..<172_800: "\(seconds / 3600)h"
    default: "\(seconds / 86_400)d"
    }
  }

  private static func digits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// The beginning of what is shown: a time, or how long ago it was.
enum Since: ExpressibleByArgument {
  case ago(Duration)
  case time(Int)

  init?(argument: String) {
    if let duration = GoDuration.parse(argument), duration >= .zero {
      self = .ago(duration)
    } else if let time = Timestamp.parseAny(argument) {
      self = .time(time)
    } else {
      return nil
    }
  }

  /// In seconds since 1970.
  func start(at now: Int) -> Int {
    switch self {
    case .ago(let duration): now - Int(duration.components.seconds)
    case .time(let time): time
    }
  }
}
