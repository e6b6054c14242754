// Files that no name leads to, which end with the process that has them open.

internal import Glibc
internal import SystemCalls

enum NamelessFile {
  /// Opens a new file in this folder for reading and writing, for this user alone.
  ///
  /// Only where the file system cannot make a file without a name does it have one for the moment
  /// between two calls. Killed right then, the program leaves an empty file behind.
  static func open(in folder: String) throws(SystemError) -> Int32 {
    let flags = O_RDWR | O_EXCL | O_CLOEXEC
    let nameless = try? SystemCall.run { unsafe Glibc.open(folder, flags | temporaryFile, 0o600) }
    if let nameless { return nameless }
    let path = "\(folder)/.etcd-backup-\(UInt64.random(in: .min ... .max))"
    let named = try SystemCall.run { unsafe Glibc.open(path, flags | O_CREAT, 0o600) }
    do throws(SystemError) {
      try SystemCall.run { unsafe unlink(path) }
    } catch {
      close(named)
      throw error
    }
    return named
  }

  /// The same, but such that `link` can give it a name; `nil` where that cannot be done here.
  static func openLinkable(in folder: String) -> Int32? {
    let file = try? SystemCall.run {
      unsafe Glibc.open(folder, temporaryFile | O_RDWR | O_CLOEXEC, 0o600)
    }
    guard let file else { return nil }
    guard unsafe access(path(of: file), F_OK) == 0 else {
      close(file)
      return nil
    }
    return file
  }

  /// Gives the file a name that nothing has yet.
  static func link(_ file: Int32, to target: String) throws(SystemError) {
    try SystemCall.run {
      unsafe linkat(AT_FDCWD, path(of: file), AT_FDCWD, target, AT_SYMLINK_FOLLOW)
    }
  }

  private static func path(of file: Int32) -> String { "/proc/self/fd/\(file)" }

  /// `O_TMPFILE`, which Swift does not import. A kernel or file system that does not know it refuses,
  /// since a directory cannot be opened for writing.
  private static let temporaryFile = 0o20_000_000 | O_DIRECTORY
}
