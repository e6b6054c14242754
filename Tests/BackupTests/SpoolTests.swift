import Backup
import Foundation
import Testing

@Suite struct `A spool` {
  /// A folder of its own for each test, gone at its end.
  private final class Folder {
    let path = NSTemporaryDirectory() + "spool-\(UUID().uuidString)"

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
      try? FileManager.default.removeItem(atPath: path)
    }
  }

  private let folder: Folder

  init() throws {
    folder = try Folder()
  }

  private func append(_ bytes: [UInt8], to spool: inout Spool) -> Int {
    unsafe spool.append(bytes.span.bytes)
  }

  private func takeAll(_ piece: Int, from spool: inout Spool) throws -> [UInt8] {
    var all: [UInt8] = []
    var bytes: [UInt8] = []
    while spool.count > 0 {
      try spool.take(piece, into: &bytes)
      #expect(!bytes.isEmpty)
      all += bytes
    }
    return all
  }

  @Test func `gives back what was put in, in order`() throws {
    var spool = try Spool(in: folder.path)
    #expect(append(Array(0...9), to: &spool) == 10)
    #expect(append(Array(10...19), to: &spool) == 10)
    #expect(spool.count == 20)
    #expect(try takeAll(7, from: &spool) == Array(0...19))
  }

  @Test func `leaves no file behind, not even while it is in use`() throws {
    var spool = try Spool(in: folder.path)
    _ = append([1, 2, 3], to: &spool)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    #expect(spool.count == 3)
  }

  @Test func `notices what the file system gives back changed`() throws {
    var spool = try Spool(in: folder.path)
    _ = append(Array(0...99), to: &spool)
    // The file has no name, but this process has it open.
    let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter {
      let file = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
      return file?.hasPrefix(folder.path) == true
    }
    let name = try #require(files.first)
    let file = try #require(FileHandle(forUpdatingAtPath: "/proc/self/fd/\(name)"))
    try file.seek(toOffset: 50)
    try file.write(contentsOf: [0])
    var bytes: [UInt8] = []
    try spool.take(60, into: &bytes)
    #expect(throws: SpoolError.altered) { try spool.take(60, into: &bytes) }
  }

  @Test func `R2: takes no more than its limit, and says how much it took`() throws {
    var spool = try Spool(in: folder.path, limit: 8)
    #expect(append(Array(0...11), to: &spool) == 8)
    #expect(append([99], to: &spool) == 0)
    #expect(try takeAll(3, from: &spool) == Array(0...7))
  }

  @Test func `uses the room at its beginning again`() throws {
    var spool = try Spool(in: folder.path, limit: 8)
    var bytes: [UInt8] = []
    _ = append(Array(0...7), to: &spool)
    try spool.take(5, into: &bytes)
    #expect(append(Array(8...20), to: &spool) == 5)
    #expect(spool.count == 8)
    #expect(try takeAll(8, from: &spool) == Array(5...12))
  }

  @Test(arguments: 1...20)
  func `stays in order through any mixture of putting in and taking out`(seed: UInt64) throws {
    var random = Generator(state: seed)
    var spool = try Spool(in: folder.path, limit: Int.random(in: 1...64, using: &random))
    var next: UInt8 = 0
    var expected: [UInt8] = []
    var bytes: [UInt8] = []
    for _ in 0..<500 {
      if Bool.random(using: &random) {
        let piece = (0..<Int.random(in: 0...40, using: &random)).map { next &+ UInt8($0) }
        let taken = append(piece, to: &spool)
        expected += piece.prefix(taken)
        next &+= UInt8(taken)
      } else {
        try spool.take(Int.random(in: 1...40, using: &random), into: &bytes)
        #expect(bytes.isEmpty == expected.isEmpty)
        #expect(bytes == Array(expected.prefix(bytes.count)))
        expected.removeFirst(bytes.count)
      }
      #expect(spool.count == expected.count)
    }
  }

  @Test func `in a folder that is not there is a mistake of the configuration`() {
    let error = #expect(throws: SpoolError.self) {
      _ = try Spool(in: "/nowhere/at/all")
    }
    #expect(error?.isConfiguration == true)
    #expect(error?.description.contains("/nowhere/at/all") == true)
  }

  /// SplitMix64: the same numbers for the same seed.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }
}
