/// Bytes to standard output, as fast as somebody takes them, and no longer than the run may go on.

internal import Glibc

struct StandardOutput {
  let patience: Patience

  /// A pipe that is said to be writable takes this much without making the writer wait (PIPE_BUF).
  private static let pieceSize = 4096
  /// How long a stop may go unnoticed, in milliseconds.
  private static let longestPoll: Int32 = 200

  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = unsafe bytes
    while unsafe !rest.isEmpty {
      try waitUntilWritable()
      let piece = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceSize))
      let written = unsafe Glibc.write(STDOUT_FILENO, piece.baseAddress, piece.count)
      if written < 0 {
        if errno == EINTR || errno == EAGAIN { continue }
        throw errno == EPIPE ? .nobodyReads : .failed(.write, "standard output", errno: errno)
      }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
  }

  private func waitUntilWritable() throws(FileError) {
    while true {
      if let reason = patience.stopReason { throw .stopped(reason) }
      var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
      if unsafe poll(&output, 1, Self.longestPoll) > 0 { return }
    }
  }
}
