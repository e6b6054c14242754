// Lineages and histories as `etcd-backup retention` shows them.

internal import Backup

struct RetentionOverview: Encodable {
  struct Group: Encodable {
    let lineage: String?
    let history: String?
    /// `running`, `ended`, `given-up`, `unknown` to the record, `other-lineage` or `no-lineage`.
    let state: String
    let cluster: String?
    let ended: String?
    var backups = 0
    var oldest: String?
    var newest: String?
    /// How many the next run deletes.
    var goes = 0
  }

  struct Going: Encodable {
    let name: String
    let written: String
    let history: String?
    let reason: String
  }

  struct Staying: Encodable {
    let name: String
    let written: String
    let history: String?
    let reason: String
    let deletedAfter: String?
  }

  let lineage: String?
  let brokeTime: String?
  let previousPath: String?
  /// Why nothing is deleted.
  let hold: String?
  let hint: String?
  let groups: [Group]
  let goes: [Going]
  /// Oldest first, as `goes`.
  let stays: [Staying]

  init(_ catalog: BackupCatalog) {
    let book = catalog.forecast?.book
    let isRecorded = book?.running != nil
    lineage = isRecorded ? book.map { "\($0.lineage)" } : nil
    brokeTime = book?.brokeTime.map(Timestamp.format)
    previousPath = book?.previousPath.map { "\($0)" }
    hold = catalog.forecast?.hold?.description
    hint = catalog.forecast?.hold?.hint
    var found: [StoredBackup.Origin: Group] = [:]
    if let book, isRecorded {
      // Also those of which no backup is left.
      for history in (book.running.map { [$0] } ?? []) + book.ended + book.givenUp {
        let origin = StoredBackup.Origin.history(history.name, lineage: book.lineage)
        found[origin] = Self.group(origin, in: book)
      }
    }
    var goes: [Going] = []
    var stays: [Staying] = []
    // Oldest first.
    for entry in catalog.entries.reversed() {
      let origin = entry.stored.origin
      var group = found[origin] ?? Self.group(origin, in: book)
      let written = Timestamp.format(entry.stored.written)
      group.backups += 1
      group.oldest = group.oldest ?? written
      group.newest = written
      if entry.verdict == .goes {
        group.goes += 1
        goes.append(
          Going(
            name: "\(entry.stored.name)", written: written, history: group.history,
            reason: RetentionVerdict.goes.reason
              + (group.state == "given-up" ? ": its history was given up" : "")))
      } else if let verdict = entry.verdict {
        stays.append(
          Staying(
            name: "\(entry.stored.name)", written: written, history: group.history,
            reason: verdict.reason, deletedAfter: verdict.time.map(Timestamp.format)))
      }
      found[origin] = group
    }
    groups = found.values.sorted {
      ($0.newest ?? "", $0.history ?? "") > ($1.newest ?? "", $1.history ?? "")
    }
    self.goes = goes
    self.stays = stays
  }

  private static func group(_ origin: StoredBackup.Origin, in book: HistoryBook?) -> Group {
    let (lineage, name) = origin.names
    guard case .history(let history, let own) = origin else {
      return Group(lineage: nil, history: nil, state: "no-lineage", cluster: nil, ended: nil)
    }
    guard let book, own == book.lineage else {
      return Group(
        lineage: lineage, history: name, state: "other-lineage", cluster: nil, ended: nil)
    }
    let known = ((book.running.map { [$0] } ?? []) + book.ended + book.givenUp)
      .first { $0.name == history }
    let state =
      if history == book.running?.name {
        "running"
      } else if book.ended.contains(where: { $0.name == history }) {
        "ended"
      } else {
        known == nil ? "unknown" : "given-up"
      }
    return Group(
      lineage: lineage, history: name, state: state,
      cluster: known.map { String($0.clusterID, radix: 16) },
      ended: known?.endTime.map(Timestamp.format))
  }

  /// For people.
  var lines: [String] {
    var lines =
      Output.list([
        ("lineage", lineage ?? "none is recorded yet"), ("history broke", brokeTime),
        ("previous history's newest", previousPath),
        ("nothing is deleted", hold.map { "\($0). \(hint ?? "")" }),
      ]) + [""]
    var table = Table(columns: [
      "LINEAGE", "HISTORY", "STATE", "CLUSTER", "ENDED (UTC)", "BACKUPS", "OLDEST", "NEWEST",
      "NEXT RUN DELETES",
    ])
    for group in groups {
      table.add([
        group.lineage ?? "", group.history ?? "", group.state, group.cluster ?? "",
        group.ended ?? "", "\(group.backups)", group.oldest ?? "", group.newest ?? "",
        "\(group.goes)",
      ])
    }
    lines += table.lines()
    if !goes.isEmpty { lines += ["", "The next run deletes:"] }
    lines += goes.map { "  \($0.name)  \($0.written)  \($0.reason)" }
    if !stays.isEmpty { lines += ["", "These stay:"] }
    lines += stays.map { backup in
      "  \(backup.name)  \(backup.written)  \(backup.reason)"
        + (backup.deletedAfter.map { ", until \($0)" } ?? "")
    }
    return lines
  }
}
