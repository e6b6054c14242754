// What libFuzzer calls: whatever bytes come, no decoder crashes, hangs or lets anything but a whole snapshot pass.
//
// The first byte of an input chooses a decoder and how the call ends, the second the size of the
// pieces in which the rest is fed. See https://llvm.org/docs/LibFuzzer.html.

import Digests
import Etcd
import FuzzSupport
import HTTP
import SnapshotFile
import TestSupport

/// Every way in which a stream may come.
enum Transport: UInt8, CaseIterable {
  case gateway
  case grpc
  case grpcWithoutStatus
  case grpcThatFailed

  /// Whether a stream that comes in this way may be a whole snapshot at all.
  var endsWell: Bool { self == .gateway || self == .grpc }

  var trailers: Headers {
    switch self {
    case .gateway, .grpcWithoutStatus: [:]
    case .grpc: ["grpc-status": "0"]
    case .grpcThatFailed: ["grpc-status": "14", "grpc-message": "etcdserver: no leader"]
    }
  }

  var decoder: any SnapshotDecoder {
    self == .gateway ? GatewayLines() : GRPCFrames()
  }
}

/// What the program makes of a stream: the bytes that passed for a snapshot, or why none did.
enum Outcome: Equatable {
  case accepted([UInt8])
  case refused(String)

  init(of stream: ArraySlice<UInt8>, over transport: Transport, inPiecesOf size: Int) {
    var decoder = transport.decoder
    var countdown = StreamCountdown()
    var verifier = SnapshotVerifier(checkingPages: false)
    var accepted: [UInt8] = []
    do {
      for start in stride(from: stream.startIndex, to: stream.endIndex, by: size) {
        var piece = Array(stream[start..<min(start + size, stream.endIndex)])
        decoder.feed(&piece)
        while try decoder.advance() {
          try decoder.withBlob { blob throws(SnapshotError) in
            try countdown.pass(blob, remaining: decoder.remaining, to: &verifier)
            unsafe blob.withUnsafeBytes { unsafe accepted.append(contentsOf: $0) }
          }
        }
      }
      decoder.end(trailers: transport.trailers)
      while try decoder.advance() {
        try decoder.withBlob { blob throws(SnapshotError) in
          try countdown.pass(blob, remaining: decoder.remaining, to: &verifier)
          unsafe blob.withUnsafeBytes { unsafe accepted.append(contentsOf: $0) }
        }
      }
      _ = try verifier.finish()
      self = .accepted(accepted)
    } catch {
      self = .refused("\(error)")
    }
  }
}

@_cdecl("LLVMFuzzerTestOneInput")
func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  guard count >= 2, let transport = Transport(rawValue: input[0] & 3) else { return 0 }
  let stream = input[2...]
  let whole = Outcome(of: stream, over: transport, inPiecesOf: max(1, stream.count))
  let cut = Outcome(of: stream, over: transport, inPiecesOf: 1 + Int(input[1]) * 8)
  demand(whole == cut, "in pieces \(cut), but in one \(whole)")
  if case .accepted(let file) = whole {
    demand(transport.endsWell, "accepted what did not end well")
    demand(
      file.count % 512 == 32
        && SHA256.digest(of: file.dropLast(32)).bytes == Array(file.suffix(32)),
      "accepted what does not prove itself")
  }
  return 0
}

/// Puts whole snapshots, one for every transport, into the corpus: the folder named last.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> CInt {
  guard let corpus = Corpus() else { return 0 }
  for transport in Transport.allCases {
    let stream = Seed.stream(over: transport)
    let outcome = Outcome(of: stream[...], over: transport, inPiecesOf: 999)
    let file = Seed.database + SHA256.digest(of: Seed.database).bytes
    demand((outcome == .accepted(file)) == transport.endsWell, "\(transport): \(outcome)")
    corpus.add([transport.rawValue, 0] + stream, named: "\(transport)")
  }
  return 0
}

/// A snapshot as small as can be, so that every place of it is hit.
enum Seed {
  static let database = TestDatabase.bytes(pageCount: 3)

  static func stream(over transport: Transport) -> [UInt8] {
    let ends = stride(from: 1000, to: database.count, by: 4000) + [database.count]
    var start = 0
    var messages: [(remaining: Int, blob: [UInt8])] = []
    for end in ends {
      messages.append((database.count - end, Array(database[start..<end])))
      start = end
    }
    messages.append((0, SHA256.digest(of: database).bytes))
    if transport == .gateway {
      return GatewayStream(
        lines: messages.map { .message(remaining: $0.remaining, blob: $0.blob) }
      ).bytes
    }
    return messages.flatMap { GRPCFrame.bytes(remaining: UInt64($0.remaining), blob: $0.blob) }
  }
}
