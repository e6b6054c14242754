// The promises of retention in their plainest form, which the random worlds hold the plan against.

import Backup
import Foundation

/// The promises, one after the other, with all backups at hand. It shares nothing with the plan but
/// the record's text.
struct RetentionModel {
  let blobs: [StoredBackup]
  let fields: [String: String]
  let keep: Int
  let expiration: Int
  let historyExpiration: Int
  let periods: KeptPeriods
  let now: Int
  let recorded: ULID
  let isHeld: Bool

  private struct Entry: Decodable {
    let name: String
    let endTime: String?
    let isGivenUp: Bool?
  }

  /// A backup with its names as texts, which take their time to be made.
  private struct Seen {
    let blob: StoredBackup
    let name: String
    /// Lineage and history.
    let origin: (String, String)?

    init(_ blob: StoredBackup) {
      self.blob = blob
      name = "\(blob.name)"
      switch blob.origin {
      case .unknown: origin = nil
      case .history(let history, let lineage): origin = ("\(lineage)", "\(history)")
      }
    }
  }

  func mayGo() -> Set<ULID> {
    if isHeld { return [] }
    let all = blobs.map(Seen.init)
      .sorted { ($0.blob.written, $0.name) > ($1.blob.written, $1.name) }
    var may = Set(blobs.map(\.name))
    let lineage = fields["backup-lineage"] ?? ""
    let running = fields["backup-history"] ?? ""
    let text = fields["backup-histories"] ?? ""
    let entries = (try? JSONDecoder().decode([Entry].self, from: Data(text.utf8))) ?? []
    func group(_ isIn: ((String, String)?) -> Bool) -> [StoredBackup] {
      all.filter { isIn($0.origin) }.map(\.blob)
    }
    func newestFirst(_ isIn: ((String, String)?) -> Bool) -> [StoredBackup] {
      group(isIn).filter { $0.oddity == nil }
    }
    func keep(_ some: some Sequence<StoredBackup>) { for blob in some { may.remove(blob.name) } }

    // (a)
    let others = group { $0.map { $0.0 != lineage } ?? false }
    keep(others)
    // (b)
    let ours = newestFirst { $0.map { $0 == (lineage, running) } ?? false }
    keep(ours.prefix(self.keep))
    keep(newestOfPeriods(ours))
    // (c)
    var known: Set<String> = [running]
    for entry in entries where entry.name != running {
      known.insert(entry.name)
      if entry.isGivenUp == true { continue }
      let history = newestFirst { $0.map { $0 == (lineage, entry.name) } ?? false }
      keep(history.prefix(1))
      let end = entry.endTime.flatMap { try? Date($0, strategy: .iso8601) }
      let isRecent = end.map { now <= Int($0.timeIntervalSince1970) + historyExpiration } ?? true
      if isRecent { keep(history.prefix(self.keep) + newestOfPeriods(history)) }
    }
    keep(group { $0.map { $0.0 == lineage && !known.contains($0.1) } ?? false })
    // (d)
    may.remove(recorded)
    for key in ["backup-last-verified-path", "backup-previous-history-path"] {
      if let name = fields[key]?.split(separator: "/").last.flatMap({ ULID($0) }) {
        may.remove(name)
      }
    }
    // (e)
    keep(blobs.filter { now - $0.written <= expiration || now - $0.lastModified <= expiration })
    keep(blobs.filter { blob in blob.immutableUntil.map { now <= $0 } ?? false })
    // (f)
    keep(blobs.filter { $0.oddity != nil })
    // Without a lineage.
    let unknown = newestFirst { $0 == nil }
    // Odd ones are not looked at: what they say of a lineage need not be true.
    if others.contains(where: { $0.oddity == nil }) { keep(unknown) }
    let times = ours.map(\.written)
    let span = (times.max() ?? 0) - (times.min() ?? 0)
    if !ours.isEmpty, ours.count >= self.keep, span >= expiration {
      let both = (ours.prefix(self.keep) + unknown)
        .sorted { ($0.written, "\($0.name)") > ($1.written, "\($1.name)") }
      keep(both.prefix(self.keep))
    } else {
      keep(unknown.prefix(self.keep))
    }
    return may
  }

  /// The first of each period, of the latest periods that there are: by the names that glibc gives
  /// them. `backups` are the newest first.
  private func newestOfPeriods(_ backups: [StoredBackup]) -> [StoredBackup] {
    let formats = [("%Y-%m-%d", periods.days), ("%G-%V", periods.weeks), ("%Y-%m", periods.months)]
    return formats.flatMap { format, count in
      var seen: Set<String> = []
      return count == 0
        ? [] : backups.filter { seen.insert(name($0.written, format)).inserted }.prefix(count)
    }
  }

  private func name(_ time: Int, _ format: String) -> String {
    var time = time
    var parts = unsafe tm()
    _ = unsafe gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let length = unsafe strftime(&text, text.count, format, &parts)
    return String(decoding: text.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
