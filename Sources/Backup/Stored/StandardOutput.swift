// Writes bytes and results to standard output, as fast as they are read, and not beyond the command's deadline.

internal import Console
internal import Glibc
package import HTTP
internal import SystemCalls

package struct StandardOutput {
  /// Checked while nothing is read.
  private let stopReason: () -> StopReason?

  /// How long a stop may go unnoticed, in milliseconds.
  private static let longestPoll: Int32 = 200

  package init(stoppedBy stopReason: @escaping () -> StopReason? = { nil }) {
    self.stopReason = stopReason
  }

  package init(_ deadline: RunDeadline) {
    stopReason = { deadline.stopReason }
  }

  /// One line of text: without secrets, and with everything escaped that does not print.
  package func line(_ text: String) throws {
    try write(Printable.text(text) + "\n")
  }

  package func lines(_ lines: [String]) throws {
    try write(lines.map { Printable.text($0) + "\n" }.joined())
  }

  /// Text that needs no filter, such as what `OneLineJSON` makes.
  package func write(_ text: String) throws {
    try unsafe write(text.utf8Span.span.bytes)
  }

  func write(_ bytes: RawSpan) throws(FileError) {
    let pieceSize = WritablePiece.size(of: STDOUT_FILENO)
    var done = 0
    while done < bytes.byteCount {
      try waitUntilWritable()
      let end = min(bytes.byteCount, done + pieceSize)
      do throws(SystemError) {
        done += try SystemCall.write(bytes.extracting(done..<end), to: STDOUT_FILENO)
      } catch {
        if error.code == EAGAIN { continue }
        throw error.code == EPIPE ? .nobodyReads : .failed(.write, "standard output", error)
      }
    }
  }

  private func waitUntilWritable() throws(FileError) {
    while true {
      // A result is written also after the deadline, if it is read.
      if SystemCall.isReady(STDOUT_FILENO, for: .writing, within: 0) { return }
      if let reason = stopReason() { throw .stopped(reason) }
      if SystemCall.isReady(STDOUT_FILENO, for: .writing, within: Self.longestPoll) { return }
    }
  }
}
