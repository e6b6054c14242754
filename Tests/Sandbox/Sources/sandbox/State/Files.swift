// The few file operations the state on disk needs, each with its errno in words.

import Foundation

/// A system call on a file failed.
struct FileError: Error, CustomStringConvertible {
  let call: String
  let path: String
  let number: Int32

  /// Takes the reason from `errno`: make it right after the call.
  init(_ call: String, _ path: String) {
    self.number = errno
    self.call = call
    self.path = path
  }

  var description: String { unsafe "cannot \(call) \(path): \(String(cString: strerror(number)))" }
}

/// Owns one file descriptor; closed with the last reference.
final class OpenFile: Sendable {
  private let descriptor: Int32
  private let path: String

  private init(_ path: String, _ flags: Int32) throws {
    self.path = path
    descriptor = unsafe open(path, flags | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError("open", path) }
  }

  convenience init(reading path: String) throws { try self.init(path, O_RDONLY) }
  convenience init(creating path: String) throws {
    try self.init(path, O_WRONLY | O_CREAT | O_EXCL)
  }
  convenience init(appendingTo path: String) throws {
    try self.init(path, O_WRONLY | O_CREAT | O_APPEND)
  }

  deinit {
    close(descriptor)
  }

  func write(_ bytes: some ContiguousBytes) throws {
    try unsafe bytes.withUnsafeBytes { try unsafe write($0) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = unsafe bytes[...]
    while unsafe !rest.isEmpty {
      let count = unsafe Foundation.write(
        descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw FileError("write", path) }
      unsafe rest = rest.dropFirst(count)
    }
  }

  /// Up to `count` bytes from `offset`; fewer only at the end of the file.
  func read(_ count: Int, at offset: Int) throws -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count) { space, filled in
      while filled < count {
        let got = unsafe pread(
          descriptor, space.baseAddress?.advanced(by: filled), count - filled, offset + filled)
        if got < 0 && errno == EINTR { continue }
        guard got > 0 else { break }
        filled += got
      }
    }
  }
}

/// Operations on paths.
enum Files {
  /// Writes a file so that a reader, or a crash, sees the old content or the new, never a part.
  static func replace(_ path: String, with bytes: Data) throws {
    let temporary = path + ".\(UUID().uuidString.prefix(8)).new"
    try OpenFile(creating: temporary).write(bytes)
    try move(temporary, to: path)
  }

  static func replace(_ path: String, encoding value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try replace(path, with: try encoder.encode(value))
  }

  static func move(_ source: String, to destination: String) throws {
    guard unsafe rename(source, destination) == 0 else { throw FileError("rename", source) }
  }

  /// Gives the same bytes a second name.
  static func link(_ source: String, as destination: String) throws {
    guard unsafe Foundation.link(source, destination) == 0 else { throw FileError("link", source) }
  }

  /// Removes a file; one that is already gone is fine.
  static func remove(_ path: String) throws {
    guard unsafe unlink(path) == 0 || errno == ENOENT else { throw FileError("remove", path) }
  }

  /// Removes a folder and all it holds; one that is already gone is fine.
  static func removeFolder(_ path: String) {
    // What could not be removed is garbage that the next start collects.
    try? FileManager.default.removeItem(atPath: path)
  }

  static func makeFolder(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// The names in a folder, sorted; none when there is no such folder.
  static func names(in path: String) -> [String] {
    // A folder that is not there holds nothing.
    (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? []
  }

  static func size(of path: String) throws -> Int {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw FileError("stat", path) }
    return Int(status.st_size)
  }

  static func read(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }
}
