// A file that appears under its name only once it is complete; until then it has none.

internal import Glibc
internal import SystemCalls

/// Letting go of it removes what has not been published, and so does the end of the process.
///
/// Where the file system cannot make files without a name, the name is `.NAME.partial` until then.
/// What a killed process left under it is written over by the next one; a lock keeps two processes
/// from writing to one file.
struct PartialFile: ~Copyable {
  private let descriptor: Int32
  private let folderDescriptor: Int32
  private let path: String
  private let folder: String
  /// Where a file without a name is given one in two steps, this is the name between them.
  private let partialPath: String
  private let isNamed: Bool
  private let replacing: Bool
  private var isPublished = false

  /// Without `replacing`, nothing may exist under `path` now, nor when it is published.
  init(for path: String, replacing: Bool) throws(FileError) {
    try Self.check(path, replacing: replacing)
    let slash = path.lastIndex(of: "/")
    let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let partialPath = "\(folder)/.\(name).partial"
    // Opened before anything is fetched: it is needed when all has been.
    let folderDescriptor = try Self.attempt(.openFolder, folder) {
      unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    let descriptor: Int32
    if let file = NamelessFile.openLinkable(in: folder) {
      descriptor = file
      isNamed = false
    } else {
      do throws(FileError) {
        descriptor = try Self.openLocked(partialPath, for: path)
      } catch {
        close(folderDescriptor)
        throw error
      }
      isNamed = true
    }
    self.path = path
    self.folder = folder
    self.partialPath = partialPath
    self.replacing = replacing
    self.descriptor = descriptor
    self.folderDescriptor = folderDescriptor
  }

  deinit {
    if isNamed, !isPublished { _ = unsafe unlink(partialPath) }
    close(descriptor)
    close(folderDescriptor)
  }

  /// Throws unless the volume has room for that many bytes.
  func checkSpace(for bytes: Int) throws(FileError) {
    var volume = statvfs()
    try Self.attempt(.inspect, folder) { unsafe fstatvfs(descriptor, &volume) }
    // Some network volumes call themselves endless.
    let (bytesFree, isEndless) = UInt64(volume.f_bavail).multipliedReportingOverflow(
      by: UInt64(volume.f_frsize))
    let available = isEndless ? .max : bytesFree
    guard available >= UInt64(bytes) else {
      throw .noSpace(folder: folder, needed: UInt64(bytes), available: available)
    }
  }

  func write(_ bytes: RawSpan) throws(FileError) {
    do throws(SystemError) {
      try SystemCall.writeAll(bytes, to: descriptor)
    } catch {
      throw .failed(.write, path, error)
    }
  }

  /// Puts the file, safe on disk, under its name in one step.
  mutating func publish() throws(FileError) {
    try Self.attempt(.synchronise, path) { fsync(descriptor) }
    if isNamed { try publishNamed() } else { try publishNameless() }
    isPublished = true
    try synchroniseFolder()
  }

  // MARK: Details

  private func publishNameless() throws(FileError) {
    guard replacing else {
      do throws(SystemError) {
        try NamelessFile.link(descriptor, to: path)
      } catch {
        throw error.code == EEXIST ? .appeared(path) : .failed(.publish, path, error)
      }
      return
    }
    try Self.check(path, replacing: true)
    // Only a rename replaces a file in one step, and only what has a name can be renamed.
    do throws(SystemError) {
      do throws(SystemError) {
        try NamelessFile.link(descriptor, to: partialPath)
      } catch  where error.code == EEXIST {
        try SystemCall.run { unsafe unlink(partialPath) }
        try NamelessFile.link(descriptor, to: partialPath)
      }
    } catch {
      throw .failed(.publish, partialPath, error)
    }
    do throws(FileError) {
      try rename()
    } catch {
      _ = unsafe unlink(partialPath)
      throw error
    }
  }

  private func publishNamed() throws(FileError) {
    if replacing {
      try Self.check(path, replacing: true)
      return try rename()
    }
    do throws(SystemError) {
      try SystemCall.run { unsafe link(partialPath, path) }
      _ = unsafe unlink(partialPath)
    } catch {
      if error.code == EEXIST { throw .appeared(path) }
      // Some network volumes have no hard links. Two of us are kept apart by the lock.
      do throws(FileError) {
        try Self.check(path, replacing: false)
      } catch .exists {
        throw .appeared(path)
      }
      try rename()
    }
  }

  private func rename() throws(FileError) {
    try Self.attempt(.publish, path) { unsafe Glibc.rename(partialPath, path) }
  }

  /// So that the name survives a power failure as well.
  private func synchroniseFolder() throws(FileError) {
    do throws(SystemError) {
      try SystemCall.run { fsync(folderDescriptor) }
    } catch {
      // Volumes that know no such thing say EINVAL.
      if error.code != EINVAL { throw .notDurable(path, error) }
    }
  }

  /// Never a folder, nor a device, which a rename would do away with.
  private static func check(_ path: String, replacing: Bool) throws(FileError) {
    var found = stat()
    do throws(SystemError) {
      try SystemCall.run { unsafe lstat(path, &found) }
    } catch {
      if error.code == ENOENT, !path.hasSuffix("/") { return }
      throw .failed(.inspect, path, error)
    }
    guard found.st_mode & S_IFMT == S_IFREG else { throw .notFile(path) }
    guard replacing else { throw .exists(path) }
  }

  private static func openLocked(
    _ partialPath: String, for path: String
  ) throws(FileError) -> Int32 {
    while true {
      let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
      let file = try attempt(.create, partialPath) { unsafe open(partialPath, flags, 0o600) }
      do throws(SystemError) {
        try SystemCall.run { flock(file, LOCK_EX | LOCK_NB) }
      } catch  where error.code == EWOULDBLOCK {
        close(file)
        throw .beingWritten(path)
      } catch {
        // Volumes without locks refuse with another error, and then there is no guard.
      }
      guard isSame(file, partialPath) else {
        // The holder of the lock has just published or removed it: start again.
        close(file)
        continue
      }
      do throws(FileError) {
        // What a killed process wrote takes up room.
        try attempt(.create, partialPath) { ftruncate(file, 0) }
      } catch {
        close(file)
        throw error
      }
      return file
    }
  }

  private static func isSame(_ file: Int32, _ path: String) -> Bool {
    var held = stat()
    var named = stat()
    return unsafe (fstat(file, &held) == 0 && lstat(path, &named) == 0)
      && held.st_dev == named.st_dev && held.st_ino == named.st_ino
  }

  @discardableResult private static func attempt<Result: SignedInteger>(
    _ action: FileError.FileAction, _ path: String, _ call: () -> Result
  ) throws(FileError) -> Result {
    do throws(SystemError) {
      return try SystemCall.run(call)
    } catch {
      throw .failed(action, path, error)
    }
  }
}
