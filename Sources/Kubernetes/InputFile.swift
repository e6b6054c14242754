// Files read whole, with a reason in plain words where that fails.

internal import Glibc

struct UnreadableFile: Error {
  let reason: String
}

/// A kubeconfig with a few hundred clusters and all their certificates has less.
private let largestFile = 8 << 20

func readFile(at path: String) throws(UnreadableFile) -> [UInt8] {
  let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { throw unreadable(errno) }
  defer { close(file) }
  var bytes: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = unsafe read(file, &piece, piece.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { throw unreadable(errno) }
    guard count > 0 else { return bytes }
    bytes += piece[..<count]
    guard bytes.count <= largestFile else {
      throw UnreadableFile(reason: "it is larger than \(largestFile >> 20) MiB")
    }
  }
}

private func unreadable(_ number: Int32) -> UnreadableFile {
  switch number {
  case ENOENT: UnreadableFile(reason: "there is no such file")
  case EACCES, EPERM: UnreadableFile(reason: "permission to read it is denied")
  default:
    UnreadableFile(reason: "it cannot be read: \(unsafe String(cString: strerror(number)))")
  }
}
