// A folder in place of a member's volume; data directories hold one file that says whose they are.

import Foundation
import Volume

final class TemporaryVolume: Sendable {
  private let root = FileManager.default.temporaryDirectory
    .appending(path: "volume-\(UUID().uuidString)")

  init() {
    makeFolder("")
  }

  deinit {
    try? FileManager.default.removeItem(at: root)  // best effort: it lies in the temporary folder
  }

  func volume(target: String = "backup.etcd") throws -> MemberVolume {
    try MemberVolume(data: path("default.etcd"), target: path(target), restore: "r1")
  }

  func path(_ name: String) -> String { root.appending(path: name).path(percentEncoded: false) }

  func makeFolder(_ name: String) {
    try? FileManager.default.createDirectory(
      at: root.appending(path: name), withIntermediateDirectories: true)
  }

  func put(_ name: String, _ owner: String) {
    makeFolder("\(name)/member")
    try? Data(owner.utf8).write(to: root.appending(path: "\(name)/member/db"))
  }

  func move(_ name: String, to other: String) {
    try? FileManager.default.moveItem(
      at: root.appending(path: name), to: root.appending(path: other))
  }

  /// Runs `body` while the first of these folders that is there, now or later under another of the
  /// names, cannot be removed: it holds a path too long for any system call.
  func withUnremovable(in names: [String], _ body: () throws -> Void) throws {
    let part = String(repeating: "x", count: 250)
    let half = (0..<9).map { _ in part }.joined(separator: "/")
    makeFolder("\(names[0])/\(half)")
    makeFolder("below/\(half)")
    move("below", to: "\(names[0])/\(half)/below")
    defer {
      for name in names { move("\(name)/\(half)/below", to: "below") }
      try? FileManager.default.removeItem(at: root.appending(path: "below"))
    }
    try body()
  }

  /// Whose data this is; `nil` where it is not there.
  func content(_ name: String) -> String? {
    (try? Data(contentsOf: root.appending(path: "\(name)/member/db")))
      .map { String(decoding: $0, as: UTF8.self) }
  }

  var names: [String] { names(in: "") }

  func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path(folder))) ?? []).sorted()
  }
}
