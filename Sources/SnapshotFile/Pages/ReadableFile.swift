internal import Glibc

/// Owns the descriptor of a file opened for reading.
package struct ReadableFile: ~Copyable {
  let path: String
  private let descriptor: Int32

  package init(_ path: String) throws(BoltError) {
    self.path = path
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .unreadable(path: path, reason: Self.lastError)
    }
  }

  deinit {
    close(descriptor)
  }

  /// Bytes in the file.
  var size: UInt64 {
    get throws(BoltError) {
      let end = lseek(descriptor, 0, SEEK_END)
      guard end >= 0 else { throw .unreadable(path: path, reason: Self.lastError) }
      return UInt64(end)
    }
  }

  /// Reads `count` bytes from `offset`, fewer only at the end of the file.
  package func read(_ count: Int, at offset: UInt64) throws(BoltError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = unsafe bytes.withUnsafeMutableBytes {
        unsafe pread(
          descriptor, $0.baseAddress?.advanced(by: done), count - done, off_t(offset) + done)
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw .unreadable(path: path, reason: Self.lastError) }
      guard got > 0 else { break }
      done += got
    }
    bytes.removeLast(count - done)
    return bytes
  }

  private static var lastError: String { unsafe String(cString: strerror(errno)) }
}
