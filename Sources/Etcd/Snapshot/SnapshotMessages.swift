// A snapshot's messages in order, pulled out of the body of an answer by the decoder of its transport.

package import FoundationEssentials
package import HTTP

/// One message of Maintenance.Snapshot.
package struct SnapshotMessage: Equatable {
  /// At most 32 KiB of the database, or the 32 bytes of its SHA-256; empty ones carry nothing.
  package let blob: Data
  /// Bytes of the database still to come after this message.
  package let remaining: UInt64

  package init(blob: Data, remaining: UInt64) {
    self.blob = blob
    self.remaining = remaining
  }
}

/// Cuts messages out of bytes that come in pieces of any length. Pure: reads nothing by itself.
package protocol SnapshotDecoder {
  /// Takes the next piece in; what is left in `piece` is only its memory.
  mutating func feed(_ piece: inout [UInt8])

  /// No more pieces come: the body ended as HTTP says it should, with these fields after it.
  mutating func end(trailers: Headers)

  /// The next whole message, or `nil` where more has to come first, or nothing more can come.
  mutating func next() throws(DecodingFault) -> SnapshotMessage?
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

  /// The next message, or `nil` once the body has ended cleanly. `received` is for error texts.
  mutating func next(received: UInt64) throws(SnapshotError) -> SnapshotMessage? {
    while true {
      do throws(DecodingFault) {
        if let message = try decoder.next() { return message }
      } catch {
        throw SnapshotError(error, from: endpoint, received: received)
      }
      if hasEnded { return nil }
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
}

extension SnapshotError {
  fileprivate init(_ fault: DecodingFault, from endpoint: Endpoint, received: UInt64) {
    self =
      switch fault {
      case .refused(let message): .refused(endpoint: endpoint, message: message)
      case .truncated: .truncated(received: received, expected: nil)
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

  mutating func take(_ count: Int) -> Data {
    defer { position += count }
    return unsafe bytes.withUnsafeBytes { unsafe Data($0[position..<position + count]) }
  }
}
