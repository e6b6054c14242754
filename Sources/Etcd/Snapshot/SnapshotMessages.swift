// A snapshot's messages in order, pulled out of the body of a response by the decoder of its transport.

package import HTTP
internal import SnapshotFile

/// Cuts the messages of Maintenance.Snapshot out of bytes that come in pieces of any length. Pure: reads
/// nothing by itself. The current message stays in the decoder's memory, so that its bytes are not copied.
package protocol SnapshotDecoder {
  /// Takes the next piece in; what is left in `piece` is only its memory.
  mutating func feed(_ piece: inout [UInt8])

  /// No more pieces come: the body ended as HTTP says it should, with these fields after it.
  mutating func end(trailers: Headers)

  /// Moves on to the next whole message; `false` where more has to come first, or nothing more can.
  mutating func advance() throws(DecodingFault) -> Bool

  /// Passes the bytes of the message that `advance` moved to: at most 32 KiB of the database, or the 32
  /// bytes of its SHA-256; empty ones carry nothing.
  func withBlob<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result

  /// Bytes of the database still to come after that message.
  var remaining: UInt64 { get }
}

/// Why no message can be made of what came.
package enum DecodingFault: Error, Equatable {
  /// etcd itself ended the stream with an error.
  case refused(message: String)
  /// The end came in the middle of a message, or without etcd's word that it is the end.
  case truncated
  /// Not what etcd sends.
  case garbled(excerpt: String)
}

struct SnapshotMessages: ~Copyable {
  private let endpoint: Endpoint
  private var download: Download
  private var decoder: any SnapshotDecoder
  private var piece: [UInt8] = []
  private var hasEnded = false

  init(
    _ download: consuming Download, decoder: any SnapshotDecoder, from endpoint: Endpoint
  ) {
    self.download = download
    self.decoder = decoder
    self.endpoint = endpoint
  }

  /// Waits for the next message; `false` once the body has ended cleanly. `received` is for error texts.
  mutating func advance(received: UInt64) throws(SnapshotError) -> Bool {
    while true {
      do throws(DecodingFault) {
        if try decoder.advance() { return true }
      } catch {
        throw SnapshotError(error, from: endpoint, received: received)
      }
      if hasEnded { return false }
      do throws(TransferError) {
        if try download.read(into: &piece) {
          decoder.feed(&piece)
        } else {
          hasEnded = true
          decoder.end(trailers: download.trailers)
        }
      } catch {
        throw .interrupted(received: received, error)
      }
    }
  }

  /// See `SnapshotDecoder.withBlob`.
  func withBlob<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try decoder.withBlob(body)
  }

  var remaining: UInt64 { decoder.remaining }
}

extension SnapshotError {
  fileprivate init(_ fault: DecodingFault, from endpoint: Endpoint, received: UInt64) {
    self =
      switch fault {
      case .refused(let message): .refused(endpoint: endpoint, message: message)
      case .truncated: .file(.truncated(received: received, expected: nil))
      case .garbled(let excerpt): .garbled(received: received, excerpt: excerpt)
      }
  }
}

/// Bytes fed in pieces and taken out in other pieces; what is left over is kept for the next feed.
struct Inbox {
  private(set) var bytes: [UInt8] = []
  /// How much of `bytes` has been taken.
  private(set) var position = 0

  var count: Int { bytes.count - position }

  mutating func feed(_ piece: inout [UInt8]) {
    if count == 0 {
      swap(&bytes, &piece)
    } else {
      bytes.removeSubrange(..<position)
      bytes += piece
    }
    position = 0
  }

  mutating func skip(_ count: Int) {
    position += count
  }

  /// The place of the next `count` bytes, which count as taken; good until the next feed.
  mutating func take(_ count: Int) -> Range<Int> {
    defer { position += count }
    return position..<position + count
  }
}
