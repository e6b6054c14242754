// The histories in the record: how they are written, and how strictly they are read.

internal import FoundationEssentials

/// What a record says of lineage and histories.
package enum RecordedHistories: Equatable, Sendable {
  /// There is no record yet, or one of a release that knew no lineages.
  case none
  case known(HistoryBook)
  /// Nothing may be deleted on its word. `text` is what stands there.
  case unreadable(reason: String, text: String)

  /// `fields` are the ConfigMap's; `nil` where there is none.
  package init(_ fields: [String: String]?) {
    let lineage = fields?[Record.lineageKey] ?? ""
    let histories = fields?[Record.historiesKey] ?? ""
    guard !lineage.isEmpty || !histories.isEmpty, let fields else {
      self = .none
      return
    }
    do {
      self = .known(try HistoryBook(recorded: fields))
    } catch {
      self = .unreadable(
        reason: error.description,
        text: "\(Record.lineageKey)=\(lineage.prefix(100)) "
          + "\(Record.historiesKey)=\(histories.prefix(16_000))")
    }
  }

  /// What the next backup goes on with; a new lineage where none can be read.
  package var book: HistoryBook {
    if case .known(let book) = self { return book }
    return HistoryBook(lineage: ULID(milliseconds: UInt64(Timestamp.millisecondsNow())))
  }
}

/// Why what stands in the record is not what a run writes there.
private struct UnreadableHistories: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

extension HistoryBook {
  /// As the values of the record's keys.
  package var fields: [String: String] {
    let entries =
      (running.map { [Entry($0, isGivenUp: false)] } ?? [])
      + ended.map { Entry($0, isGivenUp: false) } + givenUp.map { Entry($0, isGivenUp: true) }
    return [
      Record.lineageKey: "\(lineage)",
      Record.historyKey: running.map { "\($0.name)" } ?? "",
      Record.historiesKey: OneLineJSON.encode(entries),
      Record.brokeTimeKey: brokeTime.map(Timestamp.format) ?? "",
      Record.previousPathKey: previousPath.map { "\($0)" } ?? "",
    ]
  }

  /// More than 33 entries can take.
  private static let mostBytes = 64 << 10

  fileprivate init(recorded fields: [String: String]) throws(UnreadableHistories) {
    guard let lineage = ULID(fields[Record.lineageKey] ?? "") else {
      throw UnreadableHistories("\(Record.lineageKey) is no ULID")
    }
    self.init(lineage: lineage)
    let text = fields[Record.historiesKey] ?? ""
    // Without histories, the lineage alone says whose the backups are.
    for (isGivenUp, history) in text.isEmpty ? [] : try Self.histories(in: text) {
      if isGivenUp {
        givenUp.append(history)
      } else if history.endTime != nil {
        ended.append(history)
      } else if running == nil {
        running = history
      } else {
        throw UnreadableHistories("\(Record.historiesKey) has two histories without an end")
      }
    }
    guard ended.count <= Self.mostEnded, givenUp.count <= Self.mostGivenUp else {
      throw UnreadableHistories("\(Record.historiesKey) has too many entries")
    }
    let names = (ended + givenUp).map(\.name) + (running.map { [$0.name] } ?? [])
    guard Set(names).count == names.count else {
      throw UnreadableHistories("\(Record.historiesKey) names a history twice")
    }
    if let name = fields[Record.historyKey], name != running.map({ "\($0.name)" }) ?? "" {
      throw UnreadableHistories(
        "\(Record.historyKey) is not the history without an end in \(Record.historiesKey)")
    }
    if let text = fields[Record.brokeTimeKey], !text.isEmpty {
      guard let time = Timestamp.parse(text) else {
        throw UnreadableHistories("\(Record.brokeTimeKey) is no time")
      }
      brokeTime = time
    }
    if let text = fields[Record.previousPathKey], !text.isEmpty {
      guard let path = try? BackupPath(text) else {
        throw UnreadableHistories("\(Record.previousPathKey) is not the path of a backup")
      }
      previousPath = path
    }
  }

  private static func histories(
    in text: String
  ) throws(UnreadableHistories) -> [(isGivenUp: Bool, History)] {
    guard text.utf8.count <= mostBytes else {
      throw UnreadableHistories("\(Record.historiesKey) has \(text.utf8.count) bytes")
    }
    guard let entries = try? JSONDecoder().decode([Entry].self, from: Data(text.utf8)) else {
      throw UnreadableHistories("\(Record.historiesKey) is not the JSON that a run writes")
    }
    var histories: [(isGivenUp: Bool, History)] = []
    for (index, entry) in entries.enumerated() {
      guard let history = entry.history else {
        throw UnreadableHistories("entry \(index) of \(Record.historiesKey) has impossible values")
      }
      histories.append((entry.isGivenUp ?? false, history))
    }
    return histories
  }

  /// One history as JSON. Numbers of 64 bits are texts: most readers of JSON would round them.
  private struct Entry: Codable {
    let name: String
    let clusterID: String
    let firstRaftTerm: String
    let firstRaftIndex: String
    let firstTime: String
    let newestBackup: String
    let newestRaftTerm: String
    let newestRaftIndex: String
    let newestTime: String
    let endTime: String?
    let returnTime: String?
    let isGivenUp: Bool?

    init(_ history: History, isGivenUp: Bool) {
      name = "\(history.name)"
      clusterID = String(history.clusterID, radix: 16)
      firstRaftTerm = "\(history.first.term)"
      firstRaftIndex = "\(history.first.index)"
      firstTime = Timestamp.format(history.firstTime)
      newestBackup = "\(history.newestBackup)"
      newestRaftTerm = "\(history.newest.term)"
      newestRaftIndex = "\(history.newest.index)"
      newestTime = Timestamp.format(history.lastTime)
      endTime = history.endTime.map(Timestamp.format)
      returnTime = history.returnTime.map(Timestamp.format)
      self.isGivenUp = isGivenUp ? true : nil
    }

    /// `nil` for values that no run writes.
    var history: History? {
      guard let name = ULID(name), let clusterID = UInt64(clusterID, radix: 16),
        let first = Self.position(firstRaftTerm, firstRaftIndex),
        let newest = Self.position(newestRaftTerm, newestRaftIndex),
        let newestBackup = ULID(newestBackup), let firstTime = Timestamp.parse(firstTime),
        let lastTime = Timestamp.parse(newestTime), firstTime <= lastTime
      else { return nil }
      var history = History(
        name: name, clusterID: clusterID, first: first, newest: newest, newestBackup: newestBackup,
        firstTime: firstTime, lastTime: lastTime)
      if let endTime {
        guard let time = Timestamp.parse(endTime) else { return nil }
        history.endTime = time
      }
      if let returnTime {
        guard let time = Timestamp.parse(returnTime) else { return nil }
        history.returnTime = time
      }
      // What was given up has ended.
      return isGivenUp == true && endTime == nil ? nil : history
    }

    private static func position(_ term: String, _ index: String) -> RaftPosition? {
      guard let term = UInt64(term), let index = UInt64(index) else { return nil }
      return RaftPosition(term: term, index: index)
    }
  }
}
