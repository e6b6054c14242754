// Files that no name leads to, which end with the process that has them open.

internal import Glibc

enum NamelessFile {
  struct Failure: Error {
    let errno: Int32
  }

  /// Opens a new file in this folder for reading and writing, for this user alone.
  ///
  /// Only where the file system cannot make a file without a name does it have one for the moment
  /// between two calls. Killed right then, the program leaves an empty file behind.
  static func open(in folder: String) throws(Failure) -> Int32 {
    let file = unsafe Glibc.open(folder, temporaryFile | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
    if file >= 0 { return file }
    let path = "\(folder)/.etcd-backup-\(UInt64.random(in: .min ... .max))"
    let named = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard named >= 0 else { throw Failure(errno: errno) }
    guard unsafe unlink(path) == 0 else {
      let number = errno
      close(named)
      throw Failure(errno: number)
    }
    return named
  }

  /// The same, but such that `link` can give it a name; `nil` where that cannot be done here.
  static func openLinkable(in folder: String) -> Int32? {
    let file = unsafe Glibc.open(folder, temporaryFile | O_RDWR | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    guard unsafe access(path(of: file), F_OK) == 0 else {
      close(file)
      return nil
    }
    return file
  }

  /// Gives the file a name that nothing has yet; if it fails, `errno` says why.
  static func link(_ file: Int32, to target: String) -> Bool {
    unsafe linkat(AT_FDCWD, path(of: file), AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0
  }

  private static func path(of file: Int32) -> String { "/proc/self/fd/\(file)" }

  /// `O_TMPFILE`, which Swift does not import. A kernel or file system that does not know it refuses,
  /// since a directory cannot be opened for writing.
  private static let temporaryFile = 0o20_000_000 | O_DIRECTORY
}
