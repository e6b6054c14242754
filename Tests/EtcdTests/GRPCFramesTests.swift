// Frames of native gRPC, and the status without which nothing is over.

import Etcd
import Foundation
import HTTP
import TestSupport
import Testing

/// All messages of these bytes, fed in pieces of at most `size` and ended with these trailers.
private func messages(
  of bytes: [UInt8], inPiecesOf size: Int = 1 << 20, trailers: Headers = ["grpc-status": "0"]
) throws(DecodingFault) -> [SnapshotMessage] {
  var frames = GRPCFrames()
  var messages: [SnapshotMessage] = []
  for start in stride(from: 0, to: bytes.count, by: size) {
    var piece = Array(bytes[start...].prefix(size))
    frames.feed(&piece)
    while let message = try frames.next() { messages.append(message) }
  }
  frames.end(trailers: trailers)
  while let message = try frames.next() { messages.append(message) }
  return messages
}

private func fault(in bytes: [UInt8], trailers: Headers = ["grpc-status": "0"]) -> DecodingFault? {
  do throws(DecodingFault) {
    _ = try messages(of: bytes, trailers: trailers)
    return nil
  } catch {
    return error
  }
}

@Suite struct `Frames of gRPC` {
  let hello = SnapshotMessage(blob: Data("hello".utf8), remaining: 7)

  @Test(arguments: [
    "00 00000009 1007 1a05 68656c6c6f",
    "00 00000009 1a05 68656c6c6f 1007",  // fields in another order
    "00 00000010 1007 1a05 68656c6c6f 2205 332e362e30",  // etcd 3.6 names its storage version
    "00 0000000f 0a04 08011002 1007 1a05 68656c6c6f",  // with a header
    "00 00000012 1007 1a05 68656c6c6f 29 0000000000000000",  // a fixed field nobody knows
  ])
  func `hold what remains and the bytes, and may hold more`(hex: String) throws {
    #expect(try messages(of: bytes(hex)) == [hello])
    #expect(try messages(of: bytes(hex) + bytes(hex)) == [hello, hello])
  }

  /// The beginning as real servers were seen to send it: 97,058,816 bytes to come.
  @Test func `are read as etcd sends them`() throws {
    let blob = [UInt8](repeating: 7, count: 32_768)
    let first = try messages(of: bytes("00 00008009 10 8080a42e 1a 808002") + blob)
    #expect(first == [SnapshotMessage(blob: Data(blob), remaining: 97_058_816)])
    let hash = [UInt8](repeating: 9, count: 32)
    let last = try messages(of: bytes("00 00000022 1a20") + hash)
    #expect(last == [SnapshotMessage(blob: Data(hash), remaining: 0)])
  }

  @Test func `may hold nothing`() throws {
    #expect(try messages(of: bytes("00 00000000")) == [SnapshotMessage(blob: Data(), remaining: 0)])
    #expect(try messages(of: []).isEmpty)
  }

  @Test(arguments: [1, 2, 5, 6, 1000, 20_000])
  func `may come in pieces of any length`(size: Int) throws {
    let database = SnapshotFixture.database
    let stream =
      GRPCFrame.bytes(remaining: 12_288, blob: Array(database[..<8192]))
      + GRPCFrame.bytes(remaining: 0, blob: Array(database[8192...]))
    let messages = try messages(of: stream, inPiecesOf: size)
    #expect(messages.map(\.remaining) == [12_288, 0])
    #expect(messages.reduce([]) { $0 + $1.blob } == database)
  }

  @Test func `give nothing before their end has come`() throws {
    var frames = GRPCFrames()
    for byte in bytes("00 00000009 1007 1a05 68656c6c") {
      var piece = [byte]
      frames.feed(&piece)
      #expect(try frames.next() == nil)
    }
    var piece = [UInt8(ascii: "o")]
    frames.feed(&piece)
    #expect(try frames.next() == hello)
  }
}

@Suite struct `A gRPC stream that goes wrong` {
  let message = bytes("00 00000009 1007 1a05 68656c6c6f")

  @Test func `S2: is cut off where no status came`() {
    #expect(fault(in: message, trailers: [:]) == .truncated)
    #expect(fault(in: message, trailers: ["grpc-status": "zero"]) == .truncated)
  }

  @Test(arguments: 1..<14)
  func `S1: is cut off where its last message is not whole`(count: Int) {
    #expect(fault(in: Array(message.prefix(count))) == .truncated)
    #expect(fault(in: message + message.prefix(count)) == .truncated)
  }

  @Test(
    arguments: [
      (["grpc-status": "14", "grpc-message": "etcdserver: no leader"], "etcdserver: no leader"),
      (["grpc-status": "2", "grpc-message": "a%20b%3A%20%C3%A9"], "a b: é"),
      (["grpc-status": "2", "grpc-message": "100% wrong"], "100% wrong"),
      (["grpc-status": "13"], "gRPC status 13"), (["grpc-status": "-1"], "gRPC status -1"),
      (["grpc-status": "4", "grpc-status-details-bin": "CAQSBGxhdGU"], "late"),
      (["grpc-status": "4", "grpc-status-details-bin": "!"], "gRPC status 4"),
    ] as [([String: String], String)])
  func `S3: ends in etcd's own words, whatever came before`(
    trailers: [String: String], shown: String
  ) {
    var headers = Headers()
    for (name, value) in trailers { headers.add(name, value) }
    #expect(fault(in: message, trailers: headers) == .refused(message: shown))
    #expect(fault(in: [], trailers: headers) == .refused(message: shown))
    #expect(fault(in: Array(message.prefix(7)), trailers: headers) == .refused(message: shown))
  }

  @Test(arguments: [
    "01 00000009 1007 1a05 68656c6c6f",  // compressed, which nobody offered
    "3c 68746d6c 3e",  // <html>
    "00 00400001", "00 ffffffff",  // longer than any message
    "00 00000002 1080",  // a number that does not end
    "00 0000000b 10 ffffffffffffffffffff",  // a number beyond 64 bits
    "00 00000002 1a05",  // more bytes than there are
    "00 00000003 1a ffff",
    "00 00000002 0007",  // field 0
    "00 00000002 1307",  // a group
    "00 00000002 1207", "00 00000006 1200 1a01 61 18", "00 00000002 1807",  // other types
  ])
  func `is garbled where it is not etcd's`(hex: String) {
    guard case .garbled? = fault(in: bytes(hex)) else {
      Issue.record("\(String(describing: fault(in: bytes(hex))))")
      return
    }
  }
}

/// Bytes from hex digits, blanks left out.
private func bytes(_ hex: String) -> [UInt8] {
  let digits = Array(hex.filter { $0 != " " })
  return stride(from: 0, to: digits.count, by: 2).compactMap {
    UInt8(String(digits[$0...($0 + 1)]), radix: 16)
  }
}
