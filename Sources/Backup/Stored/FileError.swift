// What can go wrong on the way from verified bytes to a file.

internal import Glibc
internal import HTTP
internal import SystemCalls

enum FileError: OperatorError, Equatable {
  case exists(String)
  /// Something took this name during the download.
  case appeared(String)
  /// The file is whole and has its name, but a power failure may take the name away again.
  case notDurable(String, SystemError)
  /// There is something under this name that a download must not replace.
  case notFile(String)
  case beingWritten(String)
  case noSpace(folder: String, needed: UInt64, available: UInt64)
  case failed(FileAction, String, SystemError)
  case nobodyReads
  case stopped(StopReason)

  enum FileAction: String {
    case create, write, inspect, publish
    case synchronise = "write to disk"
    case openFolder = "open the folder"
  }

  var description: String {
    switch self {
    case .exists(let path): "\(path) exists"
    case .appeared(let path):
      "\(path) was created by another program during the download; it was left as it is, and the "
        + "download was discarded"
    case .notDurable(let path, let error):
      "\(path) is there, complete and verified, but its folder could not be written to disk: \(error)"
    case .notFile(let path): "\(path) is not a file"
    case .beingWritten(let path): "\(path) is being downloaded by another process"
    case .noSpace(let folder, let needed, let available):
      "\(ByteCount.describe(needed)) are needed in \(folder), but "
        + "\(ByteCount.describe(available)) are free"
    case .failed(let action, let path, let error): "cannot \(action.rawValue) \(path): \(error)"
    case .nobodyReads: "the reader of standard output is gone"
    case .stopped(.terminated): "stopped by a signal"
    case .stopped(.deadline): "stopped at the deadline"
    }
  }

  var hint: String? {
    switch self {
    case .exists: "Pass --force to replace it."
    case .appeared: "Move that file away or name another one, then download again."
    case .notDurable:
      "Check the volume. Keep the file, but do not rely on it to survive a power failure. "
        + "To download it again, pass --force."
    case .notFile: "Name a file that does not exist yet."
    case .beingWritten: "Wait for it, or end it."
    case .noSpace: "Make room there, or choose a folder on another volume."
    case .failed(let action, let path, let error): Self.hint(on: error.code, action, path)
    case .nobodyReads: "Did the command behind the pipe fail?"
    case .stopped(.deadline): "Raise APP_BACKUP_TIMEOUT if it may take longer."
    case .stopped(.terminated): nil
    }
  }

  private static func hint(on code: Int32, _ action: FileAction, _ path: String) -> String? {
    switch code {
    case EACCES where action == .openFolder: "May this user read and write there?"
    case EACCES, EPERM: "May this user write to the folder of \(path)?"
    case EROFS: "Choose a folder on a volume that can be written to."
    case ENOENT: "Create the folder first."
    case ENAMETOOLONG, ENOTDIR, ELOOP, EINVAL:
      "Choose a name that the file system takes, in a folder that exists."
    case ENOSPC, EDQUOT: "Make room there, or choose a folder on another volume."
    default: nil
    }
  }

  /// Retrying fails too until the cause is fixed.
  var isConfiguration: Bool {
    switch self {
    case .exists, .appeared, .notFile: true
    case .failed(_, _, let error):
      [EACCES, EPERM, EROFS, ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP, EINVAL].contains(error.code)
    case .beingWritten, .notDurable, .noSpace, .nobodyReads, .stopped: false
    }
  }

  var stopReason: StopReason? {
    if case .stopped(let reason) = self { reason } else { nil }
  }
}
