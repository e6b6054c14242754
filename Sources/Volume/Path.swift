/// A path on a volume, and the few things that a restore does to what lies there.

internal import FoundationEssentials
internal import Glibc

struct Path: Hashable, CustomStringConvertible {
  let text: String

  /// Doubled slashes and a slash at the end say nothing; `..` is not resolved.
  init(_ text: String) {
    let parts = text.split(separator: "/").joined(separator: "/")
    self.text = text.hasPrefix("/") ? "/\(parts)" : parts
  }

  static func / (folder: Path, name: String) -> Path { Path("\(folder.text)/\(name)") }

  var description: String { text }
  var isAbsolute: Bool { text.hasPrefix("/") }
  var name: String { text.split(separator: "/").last.map(String.init) ?? "" }
  var parent: Path { Path(String(text.dropLast(name.utf8.count))) }

  // MARK: Looking

  /// A link counts, wherever it leads.
  var exists: Bool { mode != nil }
  var isDirectory: Bool { mode.map { $0 & S_IFMT == S_IFDIR } ?? false }

  private var mode: mode_t? {
    var info = stat()
    return unsafe lstat(text, &info) == 0 ? info.st_mode : nil
  }

  func children() throws(VolumeError) -> [Path] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: text).map { self / $0 }
    } catch {
      throw .failed("list", path: text, reason: "\(error)")
    }
  }

  func isEmptyDirectory() throws(VolumeError) -> Bool { try children().isEmpty }

  /// What it occupies on the disk, with everything below it.
  func bytes() throws(VolumeError) -> UInt64 {
    var info = stat()
    guard unsafe lstat(text, &info) == 0 else { throw failure("look at") }
    var total = UInt64(info.st_blocks) * 512
    if isDirectory {
      for child in try children() { total += try child.bytes() }
    }
    return total
  }

  /// For an ordinary user: what only root may use does not count.
  func freeBytes() throws(VolumeError) -> UInt64 {
    var info = statvfs()
    guard unsafe statvfs(text, &info) == 0 else { throw failure("ask for the free space of") }
    return UInt64(info.f_bavail) * UInt64(info.f_frsize)
  }

  // MARK: Changing

  func makeDirectory() throws(VolumeError) {
    guard unsafe mkdir(text, 0o700) == 0 else { throw failure("create") }
  }

  /// Within one file system, so it is done whole or not at all.
  func rename(to other: Path) throws(VolumeError) {
    guard unsafe Glibc.rename(text, other.text) == 0 else { throw failure("rename") }
  }

  /// With everything below it; what is not there is gone already.
  func remove() throws(VolumeError) {
    if !exists { return }
    if isDirectory {
      for child in try children() { try child.remove() }
      guard unsafe rmdir(text) == 0 else { throw failure("remove") }
    } else {
      guard unsafe unlink(text) == 0 else { throw failure("remove") }
    }
  }

  /// Puts the names in this directory on the disk.
  func synchronize() throws(VolumeError) {
    let descriptor = unsafe open(text, O_RDONLY | O_DIRECTORY)
    guard descriptor >= 0 else { throw failure("open") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("synchronize") }
  }

  private func failure(_ action: String) -> VolumeError {
    let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
    return .failed(action, path: text, reason: reason)
  }
}
