// Lines to a reader that stalls.

import Console
import Glibc
import Testing

@Suite struct `A line for a reader that stalls` {
  /// A pipe of one page, so that little fills it.
  final class Pipe {
    let reading: Int32
    let writing: Int32

    init() throws {
      var ends: [Int32] = [0, 0]
      try #require(pipe(&ends) == 0)
      (reading, writing) = (ends[0], ends[1])
      _ = fcntl(writing, 1031, 4096)  // F_SETPIPE_SZ
      _ = fcntl(reading, F_SETFL, O_NONBLOCK)
    }

    deinit {
      close(reading)
      close(writing)
    }

    func read() -> String {
      var bytes = [UInt8](repeating: 0, count: 1 << 20)
      let count = Glibc.read(reading, &bytes, bytes.count)
      return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
  }

  let line = String(repeating: "x", count: 999) + "\n"

  @Test func `X5: costs one short wait and is dropped and counted`() throws {
    let pipe = try Pipe()
    let output = LineOutput(to: pipe.writing, longestWait: 100)
    let start = ContinuousClock.now
    for _ in 0..<1000 { output.write(line) }
    #expect(start.duration(to: .now) < .seconds(50))
    #expect(output.dropped > 900)
  }

  @Test func `X5: does not wait at all once the run is to stop`() throws {
    let pipe = try Pipe()
    let output = LineOutput(to: pipe.writing, longestWait: 60_000) { true }
    let start = ContinuousClock.now
    for _ in 0..<10 { output.write(line) }
    #expect(start.duration(to: .now) < .seconds(50))
    #expect(output.dropped > 0)
  }

  @Test func `X5: is written whole or not at all`() throws {
    let pipe = try Pipe()
    let output = LineOutput(to: pipe.writing, longestWait: 50)
    let long = String(repeating: "y", count: 9999) + "\n"
    var taken = 0
    var text = ""
    for _ in 0..<20 {
      if output.write(long) { taken += 1 }
      text += pipe.read()
    }
    for _ in 0..<100 where text.utf8.count < taken * long.utf8.count {
      output.write("")
      text += pipe.read()
    }
    #expect(text == String(repeating: long, count: taken))
  }

  @Test func `X5: arrives again as soon as somebody reads`() throws {
    let pipe = try Pipe()
    let output = LineOutput(to: pipe.writing, longestWait: 50)
    while output.write(line) {}
    _ = pipe.read()
    #expect(output.write("end\n"))
    #expect(pipe.read().hasSuffix("end\n"))
  }
}
