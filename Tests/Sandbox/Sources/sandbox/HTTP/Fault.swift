// Scripted faults: rules in a JSON file that say which request goes wrong, and how.

import Foundation
import Synchronization

/// What goes wrong. `kind` decides which of the other members count; README.md lists them.
struct FaultAction: Codable, Equatable, Sendable {
  enum Kind: String, Codable, Sendable {
    case status, reset, stall, cut, damage, shorten, delay, hold, throttle, date
    case lostAnswer = "lost-answer"
    case wrongChecksum = "wrong-checksum"
    case emptyPage = "empty-page"
  }

  var kind: Kind
  var status: Int?
  var code: String?
  var message: String?
  var retryAfter: String?
  var body: String?
  var afterBytes: Int?
  var seconds: Double?
  var milliseconds: Int?
  var bytesPerSecond: Int?

  /// `afterBytes` counts the answer's body where the request has none.
  func concernsAnswer(to call: Call) -> Bool {
    afterBytes != nil && (call.contentLength ?? 0) == 0
  }
}

/// One rule: the first `skip` matching requests pass, the next `times` get the action.
private struct FaultRule: Codable {
  struct Match: Codable {
    var service: String?
    var operation: String?
    var path: String?
  }

  var match: Match?
  var skip: Int?
  var times: Int?
  var action: FaultAction

  func matches(service: String, operation: String, path: some StringProtocol) -> Bool {
    (match?.service ?? service) == service
      && (match?.operation ?? operation) == operation
      && (match?.path).map { path.contains($0) } ?? true
  }
}

/// The file cannot be understood: said in every answer, because a test that scripts nothing lies.
struct FaultsUnreadable: Error {
  let reason: String
}

/// The rules of one file, read anew whenever it changes; counters start anew with it.
final class FaultScript: Sendable {
  private struct Version: Equatable {
    var inode: UInt64
    var size: Int64
    var modifiedSeconds: Int
    var modifiedNanoseconds: Int
  }

  private struct State {
    var version: Version?
    var rules: [FaultRule] = []
    var matched: [Int] = []
    var unreadable: FaultsUnreadable?
  }

  private let file: String
  private let held: RequestLog
  private let state = Mutex(State())

  /// `held` gets a line for every request that begins to wait.
  init(file: String, held: RequestLog) {
    self.file = file
    self.held = held
  }

  /// The action for this request, counting it; `nil` when it may go well.
  func next(service: String, operation: String, path: some StringProtocol) throws(FaultsUnreadable)
    -> FaultAction?
  {
    let result: Result<FaultAction?, FaultsUnreadable> = state.withLock { state in
      refresh(&state)
      if let unreadable = state.unreadable { return .failure(unreadable) }
      for (index, rule) in state.rules.enumerated()
      where rule.matches(service: service, operation: operation, path: path) {
        let count = state.matched[index]
        let skipped = rule.skip ?? 0
        if let times = rule.times, count >= skipped + times { continue }
        state.matched[index] += 1
        if count >= skipped { return .success(rule.action) }
      }
      return .success(nil)
    }
    return try result.get()
  }

  /// Lets a request wait for as long as the file has a rule with that action.
  func hold(_ entry: RequestLog.Entry, by action: FaultAction) {
    held.append(entry)
    while stands(action) { pause(for: .milliseconds(5)) }
  }

  private func stands(_ action: FaultAction) -> Bool {
    state.withLock { state in
      refresh(&state)
      return state.rules.contains { $0.action == action }
    }
  }

  private func refresh(_ state: inout State) {
    let version = currentVersion()
    guard version != state.version else { return }
    state = State(version: version)
    guard version != nil else { return }
    do {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      state.rules = try JSONDecoder().decode([FaultRule].self, from: bytes)
      state.matched = state.rules.map { _ in 0 }
    } catch {
      state.unreadable = FaultsUnreadable(reason: "\(file): \(error)")
    }
  }

  private func currentVersion() -> Version? {
    var status = stat()
    guard unsafe stat(file, &status) == 0 else { return nil }
    return Version(
      inode: UInt64(status.st_ino), size: Int64(status.st_size),
      modifiedSeconds: status.st_mtim.tv_sec, modifiedNanoseconds: status.st_mtim.tv_nsec)
  }
}
