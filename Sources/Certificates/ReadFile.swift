internal import Glibc

/// Reads files that a person names: kubeconfigs, tokens, certificates.
package enum ReadFile {
  /// A kubeconfig with a few hundred clusters and all their certificates has less.
  package static let largest = 8 << 20
  private static let longestWaitMilliseconds: Int32 = 5_000

  /// The whole file, at most `largest` bytes. A pipe may take 5 seconds for each piece, so that one
  /// without a writer cannot hold the run.
  package static func read(
    at path: String, largest: Int = largest
  ) throws(UnreadableFile) -> [UInt8] {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw unreadable(errno) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe Glibc.read(file, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        try waitForBytes(of: file)
        continue
      }
      guard count >= 0 else { throw unreadable(errno) }
      guard count > 0 else { return bytes }
      bytes += piece[..<count]
      guard bytes.count <= largest else {
        throw UnreadableFile(reason: "it is larger than \(largest >> 20) MiB")
      }
    }
  }

  private static func waitForBytes(of file: Int32) throws(UnreadableFile) {
    var wanted = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&wanted, 1, longestWaitMilliseconds) != 0 else {
      throw UnreadableFile(
        reason: "it is a pipe, and nothing came through within \(longestWaitMilliseconds / 1_000) s"
      )
    }
  }

  private static func unreadable(_ number: Int32) -> UnreadableFile {
    switch number {
    case ENOENT: UnreadableFile(reason: "there is no such file")
    case EACCES, EPERM: UnreadableFile(reason: "permission to read it is denied")
    default:
      UnreadableFile(reason: "it cannot be read: \(unsafe String(cString: strerror(number)))")
    }
  }
}

/// Why a file could not be read, as the end of a sentence about it.
package struct UnreadableFile: Error, CustomStringConvertible {
  package let reason: String

  package init(reason: String) { self.reason = reason }

  package var description: String { reason }
}
