// Runs the programs that others use for the same formats.

import Foundation

/// A program of Debian's package of the same name, run with a folder of its own.
struct Program {
  let name: String

  static let age = Program(name: "age")
  static let zstd = Program(name: "zstd")

  struct Failure: Error {
    let command: String
    let status: Int32
  }

  /// Returns what it prints when it is given `input`.
  func run(_ arguments: [String], input: [UInt8], files: [String: String] = [:]) throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "encoding-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }  // it is temporary anyway
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    let source = folder.appending(path: "stdin")
    let target = folder.appending(path: "stdout")
    try Data(input).write(to: source)
    try Data().write(to: target)

    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [name] + arguments
    process.currentDirectoryURL = folder
    process.standardInput = try FileHandle(forReadingFrom: source)
    process.standardOutput = try FileHandle(forWritingTo: target)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(
        command: ([name] + arguments).joined(separator: " "), status: process.terminationStatus)
    }
    return Array(try Data(contentsOf: target))
  }
}
