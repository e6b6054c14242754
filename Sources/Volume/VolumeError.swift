// Why a restore cannot go on at a member's volume.

internal import Glibc

package enum VolumeError: Error, Equatable {
  case badPlace(String, expected: String)
  case absent(String)
  /// Something that is not of this restore lies where the restored data belongs.
  case occupied(String)
  case noRoom(String, free: UInt64, needed: UInt64)
  /// The old data is aside already, so the staging folder must not be emptied.
  case alreadyMoved(String)
  /// Data was set aside, and yet there is data again: the member was started in between.
  case bothThere(String, String)
  /// The old data is being removed, so that it cannot be put back.
  case discarded(String)
  /// A system call failed; `code` is its `errno`, where it is known.
  case failed(String, path: String, reason: String, code: Int32?)
}

extension VolumeError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badPlace(let text, let expected): "\(text) is not \(expected)"
    case .absent(let path): "\(path) is not there"
    case .occupied(let path): "\(path) is there already, and not from this restore"
    case .noRoom(let folder, let free, let needed):
      "\(folder) has \(Self.mebibytes(free)) free, but the restore needs \(Self.mebibytes(needed))"
    case .alreadyMoved(let aside): "the data was set aside already, as \(aside)"
    case .bothThere(let data, let aside): "there are both \(data) and \(aside)"
    case .discarded(let path): "the old data is being removed already, from \(path)"
    case .failed(let action, let path, let reason, _): "cannot \(action) \(path): \(reason)"
    }
  }

  package var hint: String? {
    switch self {
    case .badPlace: nil
    case .absent: "Is this the member's volume, and is the data directory the right one?"
    case .occupied:
      "Look what it is, and move it away or delete it: the member would start with it."
    case .noRoom:
      "Grow the volume, or remove old data that an earlier restore kept aside (restore.sh --finish)."
    case .alreadyMoved: "Go on with that restore, or undo it (restore.sh --undo)."
    case .bothThere:
      "Stop the member, which was started in between. Decide which of the two to keep, and rename the "
        + "other."
    case .discarded: "End that restore (restore.sh --finish)."
    case .failed(_, _, _, let code):
      code == EACCES ? "Run as the user that owns the member's data." : nil
    }
  }

  private static func mebibytes(_ bytes: UInt64) -> String { "\(bytes >> 20) MiB" }
}
