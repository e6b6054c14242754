internal import Glibc
internal import HTTP
internal import SystemCalls

/// What a person types, waited for no longer than the command may go on.
package enum StandardInput {
  /// How long a deadline may go unnoticed, in milliseconds; a signal ends the wait at once.
  private static let longestPoll: Int32 = 200
  /// A longer line is no answer to a question of this program.
  private static let longestLine = 1024

  /// One line without its end; `nil` at the end of the input.
  package static func line(_ deadline: RunDeadline) throws -> String? {
    var line: [UInt8] = []
    while line.count < longestLine {
      try waitUntilReadable(deadline)
      var byte: UInt8 = 0
      let count: Int
      do throws(SystemError) {
        count = try SystemCall.run { unsafe read(STDIN_FILENO, &byte, 1) }
      } catch {
        if error.code == EAGAIN { continue }
        count = 0
      }
      guard count == 1 else { return line.isEmpty ? nil : String(decoding: line, as: UTF8.self) }
      if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      line.append(byte)
    }
    return nil
  }

  private static func waitUntilReadable(_ deadline: RunDeadline) throws(FileError) {
    while true {
      // Before the input: an interruption cancels what was typed before.
      if let reason = deadline.stopReason { throw .stopped(reason) }
      if SystemCall.isReady(STDIN_FILENO, for: .reading, within: longestPoll) { return }
    }
  }
}
