// The owner of the kernel's calls on descriptors: interrupted ones are repeated, short ones continued, and the
// code of a failure is kept.

internal import Glibc

/// Why a system call failed.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `errno`, such as `ENOENT`.
  package let code: Int32

  package init(_ code: Int32) { self.code = code }

  /// In the words of the C library.
  package var description: String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
  }
}

/// Calls that return a negative number on failure.
///
///     let file = try SystemCall.run { unsafe open(path, O_RDONLY | O_CLOEXEC) }
///     try SystemCall.writeAll(bytes, to: file)
package enum SystemCall {
  /// The result of `call`, made again as long as a signal interrupts it.
  @discardableResult package static func run<Result: SignedInteger>(
    _ call: () -> Result
  ) throws(SystemError) -> Result {
    while true {
      let result = call()
      if result >= 0 { return result }
      let code = errno
      if code != EINTR { throw SystemError(code) }
    }
  }

  /// Reads from `offset` until `bytes` is full; returns fewer bytes only at the end of the file.
  package static func readAll(
    _ file: Int32, at offset: Int, into bytes: inout [UInt8]
  ) throws(SystemError) -> Int {
    var done = 0
    while done < bytes.count {
      let count = try run {
        unsafe bytes.withUnsafeMutableBytes { buffer in
          let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
          return unsafe pread(file, rest.baseAddress, rest.count, off_t(offset + done))
        }
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Writes all of `bytes` where the file stands.
  package static func writeAll(_ bytes: RawSpan, to file: Int32) throws(SystemError) {
    var done = 0
    while done < bytes.byteCount { done += try write(bytes.extracting(done...), to: file) }
  }

  /// Writes as much as the file takes at once, where it stands or at `offset`.
  package static func write(
    _ bytes: RawSpan, to file: Int32, at offset: Int? = nil
  ) throws(SystemError) -> Int {
    try unsafe bytes.withUnsafeBytes { buffer throws(SystemError) in
      try run {
        if let offset {
          return unsafe pwrite(file, buffer.baseAddress, buffer.count, off_t(offset))
        }
        return unsafe Glibc.write(file, buffer.baseAddress, buffer.count)
      }
    }
  }

  package enum Readiness: Sendable {
    case reading, writing
  }

  /// Whether the descriptor is ready within that many milliseconds; a signal ends the wait.
  package static func isReady(_ file: Int32, for readiness: Readiness, within wait: Int32) -> Bool {
    let events = Int16(readiness == .reading ? POLLIN : POLLOUT)
    var wanted = pollfd(fd: file, events: events, revents: 0)
    return unsafe poll(&wanted, 1, wait) > 0
  }
}
