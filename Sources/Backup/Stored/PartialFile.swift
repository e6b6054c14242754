// A file that appears under its name only once it is complete; until then it has none.

internal import Glibc

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
    let folderDescriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folderDescriptor >= 0 else { throw .failed(.openFolder, folder, errno: errno) }
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
    guard unsafe fstatvfs(descriptor, &volume) == 0 else {
      throw .failed(.inspect, folder, errno: errno)
    }
    // Some network volumes call themselves endless.
    let (bytesFree, isEndless) = UInt64(volume.f_bavail).multipliedReportingOverflow(
      by: UInt64(volume.f_frsize))
    let available = isEndless ? .max : bytesFree
    guard available >= UInt64(bytes) else {
      throw .noSpace(folder: folder, needed: UInt64(bytes), available: available)
    }
  }

  func write(_ bytes: RawSpan) throws(FileError) {
    var done = 0
    while done < bytes.byteCount {
      let written = unsafe bytes.extracting(done...).withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw .failed(.write, path, errno: errno)
      }
      done += written
    }
  }

  /// Puts the file, safe on disk, under its name in one step.
  mutating func publish() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw .failed(.synchronise, path, errno: errno) }
    if isNamed { try publishNamed() } else { try publishNameless() }
    isPublished = true
    try synchroniseFolder()
  }

  // MARK: Details

  private func publishNameless() throws(FileError) {
    guard replacing else {
      guard NamelessFile.link(descriptor, to: path) else { throw notLinked(errno) }
      return
    }
    try Self.check(path, replacing: true)
    // Only a rename replaces a file in one step, and only what has a name can be renamed.
    var isLinked = NamelessFile.link(descriptor, to: partialPath)
    if !isLinked, errno == EEXIST, unsafe unlink(partialPath) == 0 {
      isLinked = NamelessFile.link(descriptor, to: partialPath)
    }
    guard isLinked else { throw .failed(.publish, partialPath, errno: errno) }
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
      try rename()
    } else if unsafe link(partialPath, path) == 0 {
      _ = unsafe unlink(partialPath)
    } else if errno == EEXIST {
      throw .appeared(path)
    } else {
      // Some network volumes have no hard links. Two of us are kept apart by the lock.
      do throws(FileError) {
        try Self.check(path, replacing: false)
      } catch .exists {
        throw .appeared(path)
      }
      try rename()
    }
  }

  private func notLinked(_ number: Int32) -> FileError {
    number == EEXIST ? .appeared(path) : .failed(.publish, path, errno: number)
  }

  private func rename() throws(FileError) {
    guard unsafe Glibc.rename(partialPath, path) == 0 else {
      throw .failed(.publish, path, errno: errno)
    }
  }

  /// So that the name survives a power failure as well.
  private func synchroniseFolder() throws(FileError) {
    // Volumes that know no such thing say EINVAL.
    guard fsync(folderDescriptor) == 0 || errno == EINVAL else {
      throw .notDurable(path, errno: errno)
    }
  }

  /// Never a folder, nor a device, which a rename would do away with.
  private static func check(_ path: String, replacing: Bool) throws(FileError) {
    var found = stat()
    guard unsafe lstat(path, &found) == 0 else {
      if errno == ENOENT, !path.hasSuffix("/") { return }
      throw .failed(.inspect, path, errno: errno)
    }
    guard found.st_mode & S_IFMT == S_IFREG else { throw .notFile(path) }
    guard replacing else { throw .exists(path) }
  }

  private static func openLocked(
    _ partialPath: String, for path: String
  ) throws(FileError) -> Int32 {
    while true {
      let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
      let file = unsafe open(partialPath, flags, 0o600)
      guard file >= 0 else { throw .failed(.create, partialPath, errno: errno) }
      // Volumes without locks refuse with another error, and then there is no guard.
      if flock(file, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
        close(file)
        throw .beingWritten(path)
      }
      guard isSame(file, partialPath) else {
        // The holder of the lock has just published or removed it: start again.
        close(file)
        continue
      }
      // What a killed process wrote takes up room.
      guard ftruncate(file, 0) == 0 else {
        defer { close(file) }
        throw .failed(.create, partialPath, errno: errno)
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
}
