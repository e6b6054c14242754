// One etcd member's volume during a restore: where old and restored data lie, and how they change places.

internal import FoundationEssentials
internal import Glibc

/// Old data is never copied and never deleted before `discard()`: directories are renamed within
/// the volume, so every move is whole or not done. Each move looks first at how far an earlier
/// attempt came, and may be repeated after an interruption at any point.
///
///     default.etcd                      the member's data
///     default.etcd.before-restore-{id}  its data before the restore, kept aside
///     default.etcd.discarded-{id}       the same while it is removed: maybe not whole any more
///     restore-{id}/backup.db            the downloaded backup
///     restore-{id}/restored.etcd        what etcd's own tool made of it
///     backup.etcd                       where the member's start-up picks restored data up
package struct MemberVolume {
  let data: Path
  let target: Path
  let staging: Path
  let aside: Path
  private let discarded: Path

  /// What `prepare` makes room for, and what etcd's tool is told to write.
  package static let backupName = "backup.db"
  package static let restoredName = "restored.etcd"

  private static let asideMark = ".before-restore-"
  private static let discardedMark = ".discarded-"

  var restored: Path { staging / Self.restoredName }
  /// What had come to lie at the data's place when the old data was put back.
  private var abandoned: Path { staging / "abandoned.etcd" }

  /// `data` is the member's data directory, whose parent is the folder of all moves; `target` is
  /// where restored data goes, the same directory or one beside it; `restore` tells this restore
  /// apart from any other.
  package init(data: String, target: String, restore: String) throws(VolumeError) {
    let data = Path(data)
    let target = Path(target)
    guard data.isAbsolute, !data.name.isEmpty, data.parent.text != "/" else {
      throw .badPlace(data.text, expected: "a directory below the volume's mount point")
    }
    guard target.parent == data.parent, !target.name.isEmpty else {
      throw .badPlace(target.text, expected: "a directory beside \(data), or that one itself")
    }
    guard !restore.isEmpty, restore.utf8.allSatisfy(Self.isPlain) else {
      throw .badPlace(restore, expected: "a name of lower-case letters, digits and dashes")
    }
    self.data = data
    self.target = target
    staging = data.parent / "restore-\(restore)"
    aside = data.parent / "\(data.name)\(Self.asideMark)\(restore)"
    discarded = data.parent / "\(data.name)\(Self.discardedMark)\(restore)"
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
  }

  // MARK: Looking

  /// Checks that a restore that needs so many bytes can happen here; changes nothing but for a
  /// probe that is gone at once.
  package func check(needed: UInt64) throws(VolumeError) -> VolumeReport {
    let folder = data.parent
    guard folder.isDirectory else { throw .absent(folder.text) }
    let isSwitched = aside.exists && !restored.exists
    if target != data, target.exists, !isSwitched { throw .occupied(target.text) }
    let probe = folder / "\(staging.name).probe"
    try probe.remove()  // of an attempt that was killed
    try probe.makeDirectory()
    try probe.remove()
    let free = try folder.freeBytes()
    guard free >= needed else {
      throw .noRoom(folder.text, free: free, needed: needed)
    }
    return VolumeReport(
      freeBytes: free, dataBytes: data.exists ? try data.bytes() : nil,
      keptAside: try keptAside().map(\.name))
  }

  // MARK: Moving

  /// Leaves an empty staging folder, whatever an earlier attempt left in it.
  package func prepare(needed: UInt64) throws(VolumeError) -> VolumeReport {
    guard !aside.exists else { throw .alreadyMoved(aside.text) }
    try staging.remove()
    let report = try check(needed: needed)
    try staging.makeDirectory()
    return report
  }

  /// Sets the old data aside and puts the restored data where the member will find it.
  package func switchOver() throws(VolumeError) {
    if restored.exists {
      try exchange()
    } else if !aside.exists {
      throw .absent(restored.text)
    }  // else an earlier attempt has done it
    try staging.remove()
  }

  private func exchange() throws(VolumeError) {
    // Everything that etcd's tool wrote is on the disk before a name says that it is there.
    sync()
    if aside.exists {
      guard !data.exists else { throw .bothThere(data.text, aside.text) }
    } else if data.exists {
      try data.rename(to: aside)
    } else {
      try aside.makeDirectory()  // empty: says that there was no data
    }
    guard !target.exists else { throw .occupied(target.text) }
    try restored.rename(to: target)
    try data.parent.synchronize()
  }

  /// Puts the old data back to where it was before the restore began; the restored data is gone then.
  package func putBack() throws(VolumeError) {
    guard !discarded.exists else { throw .discarded(discarded.text) }
    guard aside.exists else {
      try staging.remove()  // nothing was moved
      return
    }
    if restored.exists {
      guard !data.exists else { throw .bothThere(data.text, aside.text) }
    } else {
      if !staging.exists { try staging.makeDirectory() }
      for place in Set([target, data]) where place.exists {
        try abandoned.remove()
        try place.rename(to: abandoned)
      }
    }
    if try aside.isEmptyDirectory() {
      try aside.remove()
    } else {
      try aside.rename(to: data)
    }
    try data.parent.synchronize()
    try staging.remove()
  }

  /// Removes what this and earlier restores kept aside or left over; there is no way back then.
  ///
  /// What is kept aside loses its name before anything of it goes: what has the name is whole.
  package func discard() throws(VolumeError) -> [String] {
    guard data.exists || target.exists else { throw .absent(data.text) }
    for place in try keptAside() {
      let id = place.name.dropFirst(data.name.count + Self.asideMark.count)
      let nameless = data.parent / "\(data.name)\(Self.discardedMark)\(id)"
      try nameless.remove()
      try place.rename(to: nameless)
    }
    try data.parent.synchronize()
    var gone: [String] = []
    for place in try places(marked: Self.discardedMark) + [staging] where place.exists {
      try place.remove()
      gone.append(place.text)
    }
    return gone
  }

  private func keptAside() throws(VolumeError) -> [Path] {
    try places(marked: Self.asideMark)
  }

  /// What lies beside the data under its name and this mark.
  private func places(marked mark: String) throws(VolumeError) -> [Path] {
    try data.parent.children()
      .filter { $0.name.hasPrefix(data.name + mark) }
      .sorted { $0.name < $1.name }
  }
}

/// What lies on a volume before a restore.
package struct VolumeReport: Equatable, Sendable {
  package let freeBytes: UInt64
  /// `nil` where the member has no data directory.
  package let dataBytes: UInt64?
  /// Old data that restores kept aside.
  package let keptAside: [String]
}

extension VolumeReport: CustomStringConvertible {
  package var description: String {
    let data = dataBytes.map { "\($0 >> 20) MiB of data" } ?? "no data"
    let aside = keptAside.isEmpty ? "" : ", kept aside: \(keptAside.joined(separator: ", "))"
    return "\(freeBytes >> 20) MiB free, \(data)\(aside)"
  }
}
