// The moves of a restore on one member's volume, from every state an interruption can leave.

import Foundation
import Testing
import Volume

@Suite struct `Member volume` {
  let folder = TemporaryVolume()

  /// After a restore has staged its data, with or without old data.
  func staged(hasOldData: Bool = true) throws -> MemberVolume {
    if hasOldData { folder.put("default.etcd", "old") }
    let volume = try folder.volume()
    _ = try volume.prepare(needed: 0)
    folder.put("restore-r1/restored.etcd", "restored")
    return volume
  }

  // MARK: Looking

  @Test func `tells the room and what lies there`() throws {
    folder.put("default.etcd", "old")
    folder.put("default.etcd.before-restore-r0", "older")
    let report = try folder.volume().check(needed: 1 << 20)
    #expect(report.freeBytes >= 1 << 20)
    #expect(try #require(report.dataBytes) > 0)
    #expect(report.keptAside == ["default.etcd.before-restore-r0"])
    #expect(folder.names == ["default.etcd", "default.etcd.before-restore-r0"])
  }

  @Test func `looking may be repeated after it was killed`() throws {
    folder.makeFolder("restore-r1.probe")
    #expect(try folder.volume().check(needed: 0).dataBytes == nil)
    #expect(try folder.volume().prepare(needed: 0).dataBytes == nil)
    #expect(folder.names == ["restore-r1"])
  }

  @Test(arguments: ["größe.etcd", "\u{301}e.etcd", "e\u{301}", "数据"])
  func `names may be of any language`(name: String) throws {
    folder.put(name, "old")
    let volume = try MemberVolume(
      data: folder.path(name), target: folder.path("\(name)-2"), restore: "r1")
    for isFinal in [false, true] {
      _ = try volume.prepare(needed: 0)
      folder.put("restore-r1/restored.etcd", "restored")
      try volume.switchOver()
      #expect(folder.content("\(name)-2") == "restored")
      #expect(folder.content("\(name).before-restore-r1") == "old")
      if !isFinal { try volume.putBack() }
    }
    #expect(try volume.discard().count == 1)
    #expect(folder.names == ["\(name)-2"])
  }

  @Test func `a member without data can be restored as well`() throws {
    #expect(try folder.volume().check(needed: 0).dataBytes == nil)
  }

  @Test func `J5: too little room is refused`() throws {
    let volume = try folder.volume()
    let error = #expect(throws: VolumeError.self) { _ = try volume.check(needed: 1 << 60) }
    guard case .noRoom(_, _, let needed) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(needed == 1 << 60)
  }

  @Test func `a folder that is not there is refused`() throws {
    let volume = try MemberVolume(
      data: folder.path("absent/default.etcd"), target: folder.path("absent/backup.etcd"),
      restore: "r1")
    #expect(throws: VolumeError.absent(folder.path("absent"))) {
      _ = try volume.check(needed: 0)
    }
  }

  @Test func `somebody else's data at the pick-up place is refused`() throws {
    folder.put("backup.etcd", "foreign")
    let volume = try folder.volume()
    #expect(throws: VolumeError.occupied(folder.path("backup.etcd"))) {
      _ = try volume.check(needed: 0)
    }
    #expect(folder.content("backup.etcd") == "foreign")
  }

  @Test(arguments: [
    ("default.etcd", "/v/backup.etcd", "r1"), ("/v/default.etcd", "/w/backup.etcd", "r1"),
    ("/default.etcd", "/backup.etcd", "r1"), ("/v/default.etcd", "/v/backup.etcd", "../x"),
    ("/v/default.etcd", "/v/backup.etcd", ""),
  ])
  func `places that cannot work are refused`(data: String, target: String, restore: String) {
    #expect(throws: VolumeError.self) {
      _ = try MemberVolume(data: data, target: target, restore: restore)
    }
  }

  // MARK: Preparing

  @Test func `preparing empties what an earlier attempt left`() throws {
    let volume = try staged()
    _ = try volume.prepare(needed: 0)
    #expect(folder.names(in: "restore-r1").isEmpty)
    #expect(folder.content("default.etcd") == "old")
  }

  @Test func `preparing refuses once the old data is aside`() throws {
    let volume = try staged()
    try volume.switchOver()
    #expect(throws: VolumeError.alreadyMoved(folder.path("default.etcd.before-restore-r1"))) {
      _ = try volume.prepare(needed: 0)
    }
  }

  // MARK: Switching

  @Test func `switching keeps the old data and places the restored`() throws {
    try staged().switchOver()
    #expect(folder.content("backup.etcd") == "restored")
    #expect(folder.content("default.etcd.before-restore-r1") == "old")
    #expect(folder.names == ["backup.etcd", "default.etcd.before-restore-r1"])
  }

  @Test func `switching straight into the data directory`() throws {
    folder.put("default.etcd", "old")
    let volume = try folder.volume(target: "default.etcd")
    _ = try volume.prepare(needed: 0)
    folder.put("restore-r1/restored.etcd", "restored")
    try volume.switchOver()
    try volume.switchOver()
    #expect(folder.content("default.etcd") == "restored")
    try volume.putBack()
    #expect(folder.content("default.etcd") == "old")
    #expect(folder.names == ["default.etcd"])
  }

  @Test func `switching goes on where it was interrupted`() throws {
    let volume = try staged()
    folder.move("default.etcd", to: "default.etcd.before-restore-r1")  // as far as it came
    try volume.switchOver()
    #expect(folder.content("backup.etcd") == "restored")
    #expect(folder.content("default.etcd.before-restore-r1") == "old")
  }

  @Test func `switching again changes nothing`() throws {
    let volume = try staged()
    try volume.switchOver()
    folder.move("backup.etcd", to: "default.etcd")  // the member's start-up
    try volume.switchOver()
    #expect(folder.content("default.etcd") == "restored")
    #expect(folder.content("default.etcd.before-restore-r1") == "old")
  }

  @Test func `switching without restored data is refused`() throws {
    folder.put("default.etcd", "old")
    let volume = try folder.volume()
    _ = try volume.prepare(needed: 0)
    #expect(throws: VolumeError.absent(folder.path("restore-r1/restored.etcd"))) {
      try volume.switchOver()
    }
    #expect(folder.content("default.etcd") == "old")
  }

  @Test func `a member that was started in between is not overwritten`() throws {
    let volume = try staged()
    folder.move("default.etcd", to: "default.etcd.before-restore-r1")
    folder.put("default.etcd", "a new, empty member")
    #expect(throws: VolumeError.self) { try volume.switchOver() }
    #expect(throws: VolumeError.self) { try volume.putBack() }
    #expect(folder.content("default.etcd") == "a new, empty member")
    #expect(folder.content("default.etcd.before-restore-r1") == "old")
  }

  // MARK: Going back

  enum Interruption: CaseIterable {
    case staged, half, switched, started, halfBack
  }

  @Test(arguments: Interruption.allCases, [true, false])
  func `going back restores the old state from anywhere`(
    interruption: Interruption, hasOldData: Bool
  ) throws {
    let volume = try staged(hasOldData: hasOldData)
    switch interruption {
    case .staged: break
    case .half:
      if hasOldData {
        folder.move("default.etcd", to: "default.etcd.before-restore-r1")
      } else {
        folder.makeFolder("default.etcd.before-restore-r1")
      }
    case .switched: try volume.switchOver()
    case .started:
      try volume.switchOver()
      folder.move("backup.etcd", to: "default.etcd")
    case .halfBack:
      try volume.switchOver()
      folder.makeFolder("restore-r1")
      folder.move("backup.etcd", to: "restore-r1/abandoned.etcd")
    }
    try volume.putBack()
    #expect(folder.names == (hasOldData ? ["default.etcd"] : []))
    if hasOldData { #expect(folder.content("default.etcd") == "old") }
    try volume.putBack()
    #expect(folder.names == (hasOldData ? ["default.etcd"] : []))
  }

  @Test func `going back leaves what other restores kept`() throws {
    folder.put("default.etcd.before-restore-r0", "older")
    let volume = try staged()
    try volume.switchOver()
    try volume.putBack()
    #expect(folder.names == ["default.etcd", "default.etcd.before-restore-r0"])
  }

  // MARK: Discarding

  @Test func `discarding removes everything but the data`() throws {
    folder.put("default.etcd.before-restore-r0", "older")
    folder.put("unrelated", "stays")
    let volume = try staged()
    try volume.switchOver()
    folder.move("backup.etcd", to: "default.etcd")
    folder.makeFolder("restore-r1")
    #expect(try volume.discard().count == 3)
    #expect(folder.names == ["default.etcd", "unrelated"])
    #expect(folder.content("default.etcd") == "restored")
    #expect(try volume.discard().isEmpty)
  }

  @Test func `old data is not discarded while nothing is in its place`() throws {
    let volume = try staged()
    folder.move("default.etcd", to: "default.etcd.before-restore-r1")
    #expect(throws: VolumeError.absent(folder.path("default.etcd"))) { _ = try volume.discard() }
    #expect(folder.content("default.etcd.before-restore-r1") == "old")
  }

  @Test func `old data that is being discarded cannot be put back, and discarding goes on`() throws
  {
    folder.put("default.etcd.before-restore-r0", "older")
    let volume = try staged()
    try volume.switchOver()
    folder.move("backup.etcd", to: "default.etcd")
    try folder.withUnremovable(
      in: ["default.etcd.before-restore-r1", "default.etcd.discarded-r1"]
    ) {
      #expect(throws: VolumeError.self) { _ = try volume.discard() }
    }
    // Nothing is left under a name that says it is whole.
    #expect(folder.names == ["default.etcd", "default.etcd.discarded-r1"])
    #expect(throws: VolumeError.discarded(folder.path("default.etcd.discarded-r1"))) {
      try volume.putBack()
    }
    #expect(folder.content("default.etcd") == "restored")
    #expect(try volume.discard() == [folder.path("default.etcd.discarded-r1")])
    #expect(folder.names == ["default.etcd"])
  }

  @Test func `a failing move names the path and the reason`() throws {
    let volume = try staged()
    folder.put("backup.etcd", "foreign")
    #expect(throws: VolumeError.occupied(folder.path("backup.etcd"))) { try volume.switchOver() }
    try volume.putBack()  // the old data was aside by then
    #expect(folder.content("default.etcd") == "old")
    #expect(folder.content("backup.etcd") == "foreign")
  }
}
