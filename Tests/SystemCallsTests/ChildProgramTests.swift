// Programs that print, fail, never end and start others, run by /bin/sh.

import FoundationEssentials
import Glibc
import SystemCalls
import Testing

@Suite struct `A program that is run` {
  func run(
    _ script: String, _ arguments: [String] = [], environment: [String: String] = [:],
    mustStop: () -> Bool = { false }
  ) throws -> ProgramResult {
    try ChildProgram.run(
      "/bin/sh", ["-c", script, "sh"] + arguments, environment: environment, mustStop: mustStop)
  }

  func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func `is given its arguments and its environment, and what it prints is kept`() throws {
    let result = try run(
      #"printf '%s,%s' "$1" "$A"; echo why >&2; exit 3"#, ["one two"],
      environment: ["A": "b=c\nd"])
    #expect(text(result.output) == "one two,b=c\nd")
    #expect(text(result.messages) == "why\n")
    #expect(result.end == .exited(3))
  }

  @Test func `has nothing on its standard input, and no descriptor of ours`() throws {
    // Without this flag a program that is started inherits it.
    let file = unsafe open("/dev/null", O_RDONLY)
    defer { close(file) }
    let result = try run(
      "cat; ls /proc/self/fd | tr '\n' ' '", environment: ["PATH": "/usr/bin:/bin"])
    // 3 is the folder that ls reads.
    #expect(text(result.output) == "0 1 2 3 ")
  }

  @Test func `ends where nobody reads what it prints, as it does elsewhere`() throws {
    signal(SIGPIPE, SIG_IGN)
    let result = try run(
      "(while echo x; do :; done; echo alive >&2) | :", environment: ["PATH": "/bin"])
    #expect(text(result.messages) == "")
  }

  @Test func `is killed with all that it started`() throws {
    var pid: pid_t = 0
    let file = FileManager.default.temporaryDirectory.path + "/child-\(UUID())"
    defer { unsafe unlink(file) }
    let result = try run(
      "sleep 1000 & echo $! > \(file).new; mv \(file).new \(file); wait",
      environment: ["PATH": "/usr/bin:/bin"]
    ) {
      let text = try? String(contentsOfFile: file, encoding: .utf8)
      pid = text.flatMap { pid_t($0.filter(\.isNumber)) } ?? 0
      return pid > 0
    }
    #expect(result.end == .stopped)
    #expect(pid > 0)
    // Whoever adopts it may take a moment to bury it.
    let isGone = (0..<1000).contains { _ in
      let state = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
      if state == nil || state?.contains(") Z ") == true { return true }
      usleep(10_000)
      return false
    }
    #expect(isGone)
  }

  @Test func `is not waited for by those that it leaves behind`() throws {
    let result = try run(
      "sleep 1000 >/dev/null 2>&1 & echo $!", environment: ["PATH": "/usr/bin:/bin"])
    #expect(result.end == .exited(0))
    let pid = try #require(pid_t(text(result.output).filter(\.isNumber)))
    #expect(kill(pid, SIGKILL) == 0)
  }

  @Test func `is killed where it prints without end`() throws {
    let result = try run("while :; do echo 0123456789012345678901234567890123456789; done")
    #expect(result.end == .tooMuchOutput)
  }

  @Test func `may say as much as it likes on standard error, of which the beginning is kept`()
    throws
  {
    let result = try run(
      "i=0; while [ $i -lt 20000 ]; do echo 0123456789 >&2; i=$((i+1)); done; echo end")
    #expect(text(result.output) == "end\n")
    #expect(result.messages.count == 65536)
    #expect(result.end == .exited(0))
  }

  @Test func `that is ended by a signal is no success`() throws {
    #expect(try run("kill -9 $$").end == .killed(signal: 9))
  }

  @Test(arguments: ["/nowhere", "/etc", "/dev/null"])
  func `that cannot be started is told in the kernel's words`(path: String) {
    #expect(throws: SystemError.self) {
      try ChildProgram.run(path, [], environment: [:]) { false }
    }
  }
}
