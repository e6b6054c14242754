// The same work by our code and by another program, round by round, so that both have the same neighbours.

import Foundation
import TestSupport

struct Comparison {
  let title: String
  let ours: [String]
  let theirs: [String]
  /// The highest ratio that is in order; `nil` where nothing was promised.
  let target: Double?

  private static let rounds = 5

  static func run(mebibytes: Int, recipient: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "encoding-bench-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = { (name: String) in folder.appending(path: name).path }
    try Records.write(mebibytes: mebibytes, to: file("plain"))
    try Data(identityText.utf8).write(to: URL(filePath: file("identity")))
    _ = try Child.run(["age", "-e", "-r", recipient, "-o", file("age"), file("plain")])
    _ = try Child.run(["zstd", "-q", "-1", "-o", file("zst"), file("plain")])

    let own = CommandLine.arguments[0]
    var comparisons = [
      Comparison(
        title: "encrypt, age -e", ours: [own, "encrypt", file("plain")],
        theirs: ["age", "-e", "-r", recipient, file("plain")], target: 1.3),
      Comparison(
        title: "decrypt, age -d", ours: [own, "decrypt", file("age")],
        theirs: ["age", "-d", "-i", file("identity"), file("age")], target: nil),
    ]
    for level in ["1", "2", "3", "6"] {
      comparisons.append(
        Comparison(
          title: "compress, zstd -\(level)", ours: [own, "compress", level, file("plain")],
          theirs: ["zstd", "-q", "-c", "--single-thread", "-\(level)", file("plain")], target: 1.1))
    }
    comparisons.append(
      Comparison(
        title: "decompress, zstd -d", ours: [own, "decompress", file("zst")],
        theirs: ["zstd", "-q", "-d", "-c", file("zst")], target: nil))

    let size = try FileManager.default.attributesOfItem(atPath: file("zst"))[.size] as? Int ?? 0
    print("\(mebibytes) MiB of made-up records; zstd -1 makes it \(size >> 20) MiB")
    print("processor time, medians of \(rounds) rounds:")
    for comparison in comparisons { try comparison.run() }
  }

  private func run() throws {
    var ours: [Double] = []
    var theirs: [Double] = []
    for _ in 0..<Self.rounds {
      ours.append(try Child.run(self.ours))
      theirs.append(try Child.run(self.theirs))
    }
    let median = { (values: [Double]) in values.sorted()[values.count / 2] }
    let (own, other) = (median(ours), median(theirs))
    let columns = [
      title.padding(toLength: 22, withPad: " ", startingAt: 0),
      String(format: "ours %6.2f s", own), String(format: "theirs %6.2f s", other),
      String(format: "ratio %.2f", own / other),
      target.map { String(format: "at most %.2f", $0) } ?? "",
    ]
    print(columns.joined(separator: "  "))
  }
}

/// A process whose output goes to /dev/null.
enum Child {
  struct Failure: Error {
    let command: [String]
    let status: CInt
  }

  /// Returns the seconds of processor time that it took.
  static func run(_ command: [String]) throws -> Double {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    var arguments = command.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    var pid = pid_t()
    let error = posix_spawnp(&pid, command[0], &actions, nil, &arguments, environ)
    guard error == 0 else { throw Failure(command: command, status: error) }
    var status: CInt = 0
    var usage = rusage()
    guard wait4(pid, &status, 0, &usage) == pid, status == 0 else {
      throw Failure(command: command, status: status)
    }
    let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}

/// What compresses about as well as a cluster's objects: JSON that repeats itself, and one byte in ten at random.
enum Records {
  static func write(mebibytes: Int, to path: String) throws {
    var random = SeededRandom(seed: 1)
    try Data().write(to: URL(filePath: path))
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    for _ in 0..<mebibytes {
      var bytes: [UInt8] = []
      while bytes.count < 1 << 20 { append(to: &bytes, &random) }
      try file.write(contentsOf: Data(bytes.prefix(1 << 20)))
    }
    try file.close()
  }

  private static func append(to bytes: inout [UInt8], _ random: inout SeededRandom) {
    let number = random.next() % 5000
    bytes +=
      """
      {"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-\(number)","namespace":"team-\(number % 40)",\
      "uid":"\(String(random.next(), radix: 16))","resourceVersion":"\(random.next() % 100_000_000)",\
      "labels":{"app":"web","pod-template-hash":"\(String(number, radix: 36))","tier":"front"}},\
      "spec":{"containers":[{"name":"web","image":"registry.example/web:1.\(number % 30)","resources":\
      {"limits":{"cpu":"\(number % 8)","memory":"\(number % 64)Gi"}},"ports":[{"containerPort":8080}]}],\
      "nodeName":"node-\(number % 100)"},"status":{"phase":"Running","podIP":"10.\(number % 256).0.7"}}

      """.utf8
    for _ in 0..<8 { withUnsafeBytes(of: random.next()) { bytes += $0 } }
  }
}
