// A path on a volume, and the few things that a restore does to what lies there.
//
// A slash is a byte: as a character it would be one with an accent that a name may begin with.

internal import FoundationEssentials
internal import Glibc
internal import SystemCalls

struct Path: Hashable, CustomStringConvertible {
  let text: String

  /// Doubled slashes and a slash at the end say nothing; `..` is not resolved.
  init(_ text: String) {
    let parts = text.utf8.split(separator: Self.slash).map { String(Substring($0)) }
    self.text = (text.utf8.first == Self.slash ? "/" : "") + parts.joined(separator: "/")
  }

  static func / (folder: Path, name: String) -> Path { Path("\(folder.text)/\(name)") }

  var description: String { text }
  var isAbsolute: Bool { text.utf8.first == Self.slash }
  var name: String {
    text.utf8.split(separator: Self.slash).last.map { String(Substring($0)) } ?? ""
  }
  var parent: Path { Path(String(Substring(text.utf8.dropLast(name.utf8.count)))) }

  private static let slash = UInt8(ascii: "/")

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
      throw .failed("list", path: text, reason: "\(error)", code: nil)
    }
  }

  func isEmptyDirectory() throws(VolumeError) -> Bool { try children().isEmpty }

  /// What it occupies on the disk, with everything below it.
  func bytes() throws(VolumeError) -> UInt64 {
    var info = stat()
    try attempt("look at") { unsafe lstat(text, &info) }
    var total = UInt64(info.st_blocks) * 512
    if isDirectory {
      for child in try children() { total += try child.bytes() }
    }
    return total
  }

  /// For an ordinary user: what only root may use does not count.
  func freeBytes() throws(VolumeError) -> UInt64 {
    var info = statvfs()
    try attempt("ask for the free space of") { unsafe statvfs(text, &info) }
    // A file system on the network may say that it has no end.
    let (bytes, isTooMany) = info.f_bavail.multipliedReportingOverflow(by: info.f_frsize)
    return isTooMany ? .max : UInt64(bytes)
  }

  // MARK: Changing

  func makeDirectory() throws(VolumeError) {
    try attempt("create") { unsafe mkdir(text, 0o700) }
  }

  /// Within one file system, so it is done whole or not at all.
  func rename(to other: Path) throws(VolumeError) {
    try attempt("rename") { unsafe Glibc.rename(text, other.text) }
  }

  /// With everything below it; what is not there is gone already.
  func remove() throws(VolumeError) {
    if !exists { return }
    if isDirectory {
      for child in try children() { try child.remove() }
      try attempt("remove") { unsafe rmdir(text) }
    } else {
      try attempt("remove") { unsafe unlink(text) }
    }
  }

  /// Puts the names in this directory on the disk.
  func synchronize() throws(VolumeError) {
    let descriptor = try attempt("open") { unsafe open(text, O_RDONLY | O_DIRECTORY) }
    defer { close(descriptor) }
    try attempt("synchronize") { fsync(descriptor) }
  }

  @discardableResult private func attempt<Result: SignedInteger>(
    _ action: String, _ call: () -> Result
  ) throws(VolumeError) -> Result {
    do throws(SystemError) {
      return try SystemCall.run(call)
    } catch {
      throw .failed(action, path: text, reason: "\(error)", code: error.code)
    }
  }
}
