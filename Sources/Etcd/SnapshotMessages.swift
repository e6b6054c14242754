/// A snapshot's messages as the gateway sends them: one JSON object per line.

internal import FoundationEssentials
internal import Glibc
internal import HTTP

/// One message of Maintenance.Snapshot.
struct SnapshotMessage {
  /// At most 32 KiB of the database, or the 32 bytes of its SHA-256; empty ones carry nothing.
  let blob: Data
  /// Bytes of the database still to come after this message.
  let remaining: UInt64
}

/// Pulls line after line out of the answer's body and decodes it.
///
/// An error may come as a line of its own after any number of messages, with or without a line
/// end, in an answer of status 200 that ends cleanly.
struct SnapshotMessages: ~Copyable {
  let endpoint: Endpoint
  private var download: Download
  /// The piece of the body being cut into lines, and how far it has been cut.
  private var piece: [UInt8] = []
  private var position = 0
  /// The beginning of a line whose end has not come yet.
  private var partial: [UInt8] = []
  private let decoder = JSONDecoder()

  /// etcd's lines have some 44 KB; a line that outgrows this is not etcd's.
  private static let longestLine = 4 << 20

  init(_ download: consuming Download, from endpoint: Endpoint) {
    self.download = download
    self.endpoint = endpoint
  }

  /// The next message, or `nil` once the body has ended cleanly. `received` is for error texts.
  mutating func next(received: UInt64) throws(SnapshotError) -> SnapshotMessage? {
    while let line = try nextLine(received: received) {
      if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
      return try decode(line, received: received)
    }
    return nil
  }

  private struct Line: Decodable {
    struct Message: Decodable {
      let remaining_bytes: LenientUInt64?
      let blob: Data?
    }
    let result: Message
  }

  private func decode(_ line: Data, received: UInt64) throws(SnapshotError) -> SnapshotMessage {
    if let message = try? decoder.decode(Line.self, from: line).result {
      return SnapshotMessage(
        blob: message.blob ?? Data(), remaining: message.remaining_bytes?.value ?? 0)
    }
    // Not a message: etcd's own error, a line that was cut, or nothing of etcd's at all.
    if let fault = GatewayFault(body: Array(line)) {
      throw .refused(endpoint: endpoint, message: fault.message)
    }
    if line.starts(with: Data("{\"result\"".utf8)) {
      throw .truncated(received: received, expected: nil)
    }
    throw .garbled(
      received: received, excerpt: String(decoding: line.prefix(120), as: UTF8.self))
  }

  /// The next line without its line end; the last one may have none.
  private mutating func nextLine(received: UInt64) throws(SnapshotError) -> Data? {
    while true {
      if let end = endOfLine() {
        defer { position = end + 1 }
        return takeLine(upTo: end)
      }
      partial += piece[position...]
      position = piece.count
      if partial.count > Self.longestLine {
        let excerpt = String(decoding: partial.prefix(120), as: UTF8.self)
        throw .garbled(received: received, excerpt: excerpt)
      }
      do throws(TransferError) {
        guard try download.read(into: &piece) else {
          piece = []
          position = 0
          return partial.isEmpty ? nil : takeLine(upTo: 0)
        }
        position = 0
      } catch {
        throw .interrupted(received: received, error)
      }
    }
  }

  private mutating func takeLine(upTo end: Int) -> Data {
    var line = Data(partial)
    partial.removeAll(keepingCapacity: true)
    unsafe piece.withUnsafeBytes { unsafe line.append(contentsOf: $0[position..<end]) }
    return line
  }

  private func endOfLine() -> Int? {
    unsafe piece.withUnsafeBytes { bytes in
      guard position < bytes.count, let start = bytes.baseAddress,
        let found = unsafe memchr(
          start + position, Int32(UInt8(ascii: "\n")), bytes.count - position)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - start
    }
  }
}
