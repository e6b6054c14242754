// Runs another program and keeps what it prints; it never outlives the time that it is given.

internal import CSpawn
internal import Glibc

/// What a program printed, and how it ended.
package struct ProgramResult: Equatable, Sendable {
  package enum End: Equatable, Sendable {
    case exited(Int32)
    case killed(signal: Int32)
    /// It was to stop, or printed too much: it was killed, with all that it had started.
    case stopped, tooMuchOutput
  }

  package let output: [UInt8]
  /// Of standard error, the beginning.
  package let messages: [UInt8]
  package let end: End
}

/// A program in a process group of its own, with nothing on its standard input and no other descriptor
/// of this process.
///
///     let result = try ChildProgram.run(path, ["get-token"], environment: environment) { .now >= end }
package enum ChildProgram {
  private static let largestOutput = 1 << 20
  private static let largestMessages = 64 << 10
  /// In milliseconds: how long its end, or the wish to stop it, may go unnoticed.
  private static let pause: Int32 = 20

  /// Throws where it could not be started; `mustStop` is asked all the while.
  package static func run(
    _ path: String, _ arguments: [String], environment: [String: String], mustStop: () -> Bool
  ) throws(SystemError) -> ProgramResult {
    var output = try Pipe(keeping: largestOutput + 1)
    var messages = try Pipe(keeping: largestMessages)
    let process = try start(
      path, arguments, environment, output: output.writer, messages: messages.writer)
    output.closeWriter()
    messages.closeWriter()
    var end: ProgramResult.End?
    while end == nil {
      end = self.end(of: process, options: WNOHANG)
      // Whatever it printed before its end is in the pipes by now.
      output.drain()
      messages.drain()
      if end == nil, output.kept.count > largestOutput { end = kill(process, as: .tooMuchOutput) }
      if end == nil, mustStop() { end = kill(process, as: .stopped) }
      if end == nil { Pipe.wait(output, messages, milliseconds: pause) }
    }
    return ProgramResult(
      output: output.kept, messages: messages.kept,
      end: output.kept.count > largestOutput ? .tooMuchOutput : end ?? .stopped)
  }

  private static func start(
    _ path: String, _ arguments: [String], _ environment: [String: String], output: Int32,
    messages: Int32
  ) throws(SystemError) -> pid_t {
    let argumentList = CStrings([path] + arguments)
    let variables = CStrings(environment.map { "\($0.key)=\($0.value)" })
    var process = pid_t()
    let code = unsafe start_program(
      &process, path, argumentList.pointers, variables.pointers, output, messages)
    if code != 0 { throw SystemError(code) }
    return process
  }

  /// `nil` while it runs.
  private static func end(of process: pid_t, options: Int32) -> ProgramResult.End? {
    var status: Int32 = 0
    var found: pid_t
    repeat { found = unsafe waitpid(process, &status, options) } while found < 0 && errno == EINTR
    guard found != 0 else { return nil }
    // As WIFEXITED and its kind have it; without a child there is no status to be had.
    guard found == process else { return .stopped }
    return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: status & 0x7F)
  }

  private static func kill(
    _ process: pid_t, as end: ProgramResult.End
  ) -> ProgramResult.End {
    _ = Glibc.kill(-process, SIGKILL)
    _ = self.end(of: process, options: 0)
    return end
  }
}

/// Owns both ends of a pipe: what is written comes out at the other end, of which the beginning is kept.
private struct Pipe: ~Copyable {
  private var reader: Int32
  private(set) var writer: Int32
  private(set) var kept: [UInt8] = []
  private let largest: Int

  init(keeping largest: Int) throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    try SystemCall.run { unsafe pipe(&ends) }
    // Neither of these fails on a descriptor that was just made.
    for end in ends { try SystemCall.run { fcntl(end, F_SETFD, FD_CLOEXEC) } }
    try SystemCall.run { fcntl(ends[0], F_SETFL, O_NONBLOCK) }
    (reader, writer, self.largest) = (ends[0], ends[1], largest)
  }

  deinit {
    if reader >= 0 { close(reader) }
    if writer >= 0 { close(writer) }
  }

  mutating func closeWriter() {
    close(writer)
    writer = -1
  }

  /// Takes what is there; drops what is beyond `largest`, so that the writer need not wait.
  mutating func drain() {
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    // A program that writes without end must not hold this loop.
    for _ in 0..<64 where reader >= 0 {
      guard
        let count = try? SystemCall.run({ unsafe Glibc.read(reader, &piece, piece.count) })
      else { return }  // nothing is there
      guard count > 0 else {
        close(reader)
        reader = -1
        return
      }
      kept += piece.prefix(min(count, largest - kept.count))
    }
  }

  /// Until something is there, or the time is over.
  static func wait(_ one: borrowing Pipe, _ other: borrowing Pipe, milliseconds: Int32) {
    var wanted = [one.reader, other.reader].map {
      // A negative descriptor is passed over.
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    _ = unsafe poll(&wanted, nfds_t(wanted.count), milliseconds)
  }
}

/// Owns texts as C wants them: a list of pointers that ends with `NULL`.
@safe private struct CStrings: ~Copyable {
  let pointers: [UnsafeMutablePointer<CChar>?]
  private let count: Int

  init(_ texts: [String]) {
    unsafe pointers = texts.map { unsafe strdup($0) } + [nil]
    count = texts.count
  }

  deinit {
    for index in 0..<count { unsafe free(pointers[index]) }
  }
}
