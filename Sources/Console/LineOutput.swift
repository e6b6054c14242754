// Lines to standard error that cannot hold the program up.

internal import Glibc
internal import SystemCalls

/// A reader that stalls costs one short wait. Then lines are dropped and counted until it reads on.
package final class LineOutput {
  private let descriptor: Int32
  private let longestWait: Int
  /// Once the run is to stop there is no time left for a slow reader.
  private let mustNotWait: () -> Bool
  /// The rest of a line of which the beginning is out.
  private var rest: [UInt8] = []
  private var isHeldUp = false
  /// Takes the place of the descriptor.
  private let writer: ((String) -> Void)?
  /// Lines dropped since this was last set to zero.
  package var dropped = 0

  /// `longestWait` is in milliseconds.
  package init(
    to descriptor: Int32 = STDERR_FILENO, longestWait: Int = 250,
    mustNotWait: @escaping () -> Bool = { false }
  ) {
    self.descriptor = descriptor
    self.longestWait = longestWait
    self.mustNotWait = mustNotWait
    writer = nil
  }

  /// Hands each text on instead of writing it.
  package init(writing writer: @escaping (String) -> Void) {
    descriptor = -1
    longestWait = 0
    mustNotWait = { true }
    self.writer = writer
  }

  /// Returns whether the text is out, or will be with the next one; else it counts as dropped.
  @discardableResult package func write(_ text: String) -> Bool {
    if let writer {
      writer(text)
      return true
    }
    let limit = ContinuousClock.now + .milliseconds(isHeldUp ? 0 : longestWait)
    push(until: limit)
    if rest.isEmpty {
      let whole = Array(text.utf8)
      rest = whole
      push(until: limit)
      isHeldUp = !rest.isEmpty
      if rest.count < whole.count { return true }
      rest = []
    }
    isHeldUp = true
    dropped += 1
    return false
  }

  /// Writes of the rest what the reader takes.
  private func push(until limit: ContinuousClock.Instant) {
    while !rest.isEmpty, isWritable(until: limit) {
      let count = min(rest.count, WritablePiece.size(of: descriptor))
      do throws(SystemError) {
        let written = try unsafe SystemCall.write(
          rest.span.bytes.extracting(..<count), to: descriptor)
        rest.removeFirst(written)
      } catch {
        // There is no reader, or no room: nothing that is written later would arrive either.
        if error.code != EAGAIN { rest = [] }
        return
      }
    }
  }

  private func isWritable(until limit: ContinuousClock.Instant) -> Bool {
    while true {
      let wait: Int32 = .now < limit && !mustNotWait() ? 20 : 0
      if SystemCall.isReady(descriptor, for: .writing, within: wait) { return true }
      if wait == 0 { return false }
    }
  }
}

/// How much a descriptor that is said to be writable takes without making the writer wait.
package enum WritablePiece {
  package static func size(of descriptor: Int32) -> Int {
    // A terminal asks for more once it holds less than that; a pipe takes PIPE_BUF.
    isatty(descriptor) == 1 ? 256 : 4096
  }
}
