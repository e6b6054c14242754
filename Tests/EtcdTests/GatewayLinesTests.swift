// Lines of the gateway, and what else may come in their place.

import Etcd
import Foundation
import HTTP
import TestSupport
import Testing

/// All messages of these bytes, fed in pieces of at most `size`.
private func messages(
  of bytes: [UInt8], inPiecesOf size: Int = .max
) throws(DecodingFault) -> [SnapshotMessage] {
  var lines = GatewayLines()
  var messages: [SnapshotMessage] = []
  for start in stride(from: 0, to: bytes.count, by: min(size, max(1, bytes.count))) {
    var piece = Array(bytes[start...].prefix(size))
    lines.feed(&piece)
    while let message = try lines.next() { messages.append(message) }
  }
  lines.end(trailers: [:])
  while let message = try lines.next() { messages.append(message) }
  return messages
}

private func messages(of text: String) throws(DecodingFault) -> [SnapshotMessage] {
  try messages(of: Array(text.utf8))
}

private func fault(in text: String) -> DecodingFault? {
  do throws(DecodingFault) {
    _ = try messages(of: text)
    return nil
  } catch {
    return error
  }
}

@Suite struct `Lines of the gateway` {
  let hello = SnapshotMessage(blob: Data("hello".utf8), remaining: 7)

  @Test(arguments: [
    #"{"result":{"remaining_bytes":"7","blob":"aGVsbG8="}}"#,
    #"{"result":{"remaining_bytes":"7", "blob":"aGVsbG8="}}"#,
    #"{"result":{"remaining_bytes":7,"blob":"aGVsbG8="}}"#,
    #"{"result":{"blob":"aGVsbG8=","remaining_bytes":"7"}}"#,
    #"{"result":{"remaining_bytes":"7","blob":"aGVsbG8=","version":"3.6.0"}}"#,
    #"{"result":{"header":null,"remaining_bytes":"7","blob":"aGVsbG8="}}"#,
    #"{"result":{"header":{"revision":"1"},"remaining_bytes":"7","blob":"aGVsbG8="},"x":[1]}"#,
    #" { "result" : { "remaining_bytes" : "7" , "blob" : "aGVsbG8=" } } "#,
    #"{"result":{"remaining_bytes":"7","blob":"aGVsbG8\u003d"}}"#,
  ])
  func `are understood in every style`(line: String) throws {
    #expect(try messages(of: line + "\n") == [hello])
    #expect(try messages(of: line) == [hello])
    #expect(try messages(of: "\n\(line)\r\n \n\(line)\n") == [hello, hello])
  }

  @Test(arguments: ["\n", ""])
  func `need no line end between them, as in etcd before 3_3_21`(last: String) throws {
    let message = #"{"result":{"remaining_bytes":"7","blob":"aGVsbG8="}}"#
    let text = message + #"{"result":{}}"# + message + last
    for size in 1...text.utf8.count {
      #expect(
        try messages(of: Array(text.utf8), inPiecesOf: size) == [
          hello, SnapshotMessage(blob: Data(), remaining: 0), hello,
        ])
    }
  }

  @Test func `leave out what is nothing`() throws {
    let text = #"{"result":{}}"# + "\n" + #"{"result":{"remaining_bytes":"12"}}"# + "\n"
    #expect(
      try messages(of: text) == [
        SnapshotMessage(blob: Data(), remaining: 0), SnapshotMessage(blob: Data(), remaining: 12),
      ])
  }

  @Test func `count to 2^64 - 1`() throws {
    let text = #"{"result":{"remaining_bytes":"18446744073709551615"}}"#
    #expect(try messages(of: text) == [SnapshotMessage(blob: Data(), remaining: .max)])
  }

  @Test(arguments: [1, 2, 7, 64, 1000, 27_396, 27_397, 27_398], ["\n", ""])
  func `may come in pieces of any length`(size: Int, lineEnd: String) throws {
    var stream = GatewayStream(of: SnapshotFixture.database)
    stream.lineEnd = lineEnd
    let bytes = stream.bytes
    let messages = try messages(of: bytes, inPiecesOf: size)
    #expect(messages.map { $0.blob.count } == [20_480, 32])
    #expect(messages.reduce([]) { $0 + $1.blob } == SnapshotFixture.file)
  }

  @Test func `give nothing before their end has come`() throws {
    var lines = GatewayLines()
    var piece = Array(#"{"result":{"blob":"aGVsbG8="}}"#.utf8)
    lines.feed(&piece)
    #expect(try lines.next() == nil)
    piece = Array("\n".utf8)
    lines.feed(&piece)
    #expect(try lines.next() == SnapshotMessage(blob: Data("hello".utf8), remaining: 0))
  }
}

@Suite struct `A gateway stream that goes wrong` {
  @Test(
    arguments: GatewayStream.ErrorShape.allCases,
    [(0, ""), (1, "\n"), (2, "\r\n"), (3, ""), (3, "\n")])
  func `S3: ends in etcd's own words, with or without a line end`(
    shape: GatewayStream.ErrorShape, place: (line: Int, end: String)
  ) {
    let message = "rpc error: code = Unavailable desc = etcdserver: no leader"
    var stream = GatewayStream(of: TestDatabase.bytes(pageCount: 24))
    stream.lines[place.line...] = [.error(shape, code: 14, message: message), .raw(place.end)]
    #expect(
      fault(in: String(decoding: stream.bytes, as: UTF8.self)) == .refused(message: message))
  }

  @Test(arguments: GatewayStream.ErrorShape.allCases, ["no leader", "a }{ b", #"a }}{\"b\":{ c"#])
  func `S3: ends in etcd's own words without any line end before them`(
    shape: GatewayStream.ErrorShape, words: String
  ) {
    var stream = GatewayStream(of: TestDatabase.bytes(pageCount: 1))
    stream.lineEnd = ""
    stream.lines[1...] = [.error(shape, code: 14, message: words)]
    for size in [1, 3, 5000, stream.offset(ofLine: 1), .max] {
      let fault = #expect(throws: DecodingFault.self) {
        try messages(of: stream.bytes, inPiecesOf: size)
      }
      #expect(fault == .refused(message: words.replacing(#"\""#, with: #"""#)))
    }
  }

  @Test(arguments: GatewayStream.Spacing.allCases, ["\n", ""])
  func `S3: is no success because the error came last`(
    spacing: GatewayStream.Spacing, lineEnd: String
  ) {
    var stream = GatewayStream(of: SnapshotFixture.database)
    (stream.spacing, stream.lineEnd) = (spacing, lineEnd)
    stream.lines.append(.error(.v1, code: 4, message: "context deadline exceeded"))
    #expect(
      fault(in: String(decoding: stream.bytes, as: UTF8.self))
        == .refused(message: "context deadline exceeded"))
  }

  @Test(arguments: [
    #"{"result":{"remaining_bytes":"7","blob":"aGVsbG8="}"#, #"{"result":{"blob":"aGVs"#,
    #"{"result":{"remaining_b"#, #"{"result""#, #"{"error":{"grpc_code":4,"mess"#, "{",
  ])
  func `S1: S2: was cut off where its last line is not whole`(line: String) {
    #expect(fault(in: line) == .truncated)
    for lineEnd in ["\n", ""] {
      #expect(fault(in: #"{"result":{"blob":"aGVsbG8="}}"# + lineEnd + line) == .truncated)
    }
  }

  @Test(arguments: [
    "<html><head><title>502 Bad Gateway</title></head>", "upstream request timeout", "null", "[]",
    "42", #""text""#, "{}", #"{"result":null}"#, #"{"result":[]}"#, #"{"result":{"blob":5}}"#,
    #"{"result":{"blob":"aGVsbG8"}}"#,  // padding is missing
    #"{"result":{"blob":"aGVs bG8="}}"#, #"{"result":{"blob":"aGVs*G8="}}"#,
    #"{"result":{"remaining_bytes":"-1"}}"#, #"{"result":{"remaining_bytes":-1}}"#,
    #"{"result":{"remaining_bytes":1.5}}"#, #"{"result":{"remaining_bytes":"7 "}}"#,
    #"{"result":{"remaining_bytes":"18446744073709551616"}}"#,
    #"{"result":{"remaining_bytes":true}}"#, #"{"error":{"message":"no code"}}"#,
    #"{"error":"only text"}"#, "\u{0}\u{0}\u{0}", #"{"result":{"blob":"aGVsbG8="}}}"#,
    #"{"result":{"blob":"aGVsbG8="}}}{"result":{}}"#,
    #"{"result":{"blob":"aGVsbG8="}} {"result":{}}"#, #"{"resalt":{}}{"result":{}}"#,
  ])
  func `is garbled where a whole line is not etcd's`(line: String) {
    guard case .garbled(let excerpt)? = fault(in: line + "\n") else {
      Issue.record("\(String(describing: fault(in: line + "\n")))")
      return
    }
    #expect(line.hasPrefix(excerpt.prefix(5)))
    #expect(excerpt.utf8.count <= 120)
  }

  @Test func `is garbled where a line does not end`() throws {
    var lines = GatewayLines()
    let fault = try #require(throws: DecodingFault.self) {
      for _ in 0..<100 {
        var piece = [UInt8](repeating: UInt8(ascii: "-"), count: 1 << 16)
        lines.feed(&piece)
        _ = try lines.next()
      }
    }
    guard case .garbled = fault else {
      Issue.record("\(fault)")
      return
    }
  }

  @Test(arguments: [
    #"{"resalt":{"blob":"%"}}"#, #"{"result":{"blob":"%","remaining_bytes":-1}}"#, "%", "x %",
    #"{"result":{"remaining_bytes":"x","blob":"%"}}"#,
  ])
  func `never shows what the database holds`(line: String) {
    let secret = Data("password: hunter2, the whole of it and then some more".utf8)
    let line = line.replacing("%", with: secret.base64EncodedString())
    guard case .garbled(let excerpt)? = fault(in: line + "\n") else {
      Issue.record("\(String(describing: fault(in: line + "\n")))")
      return
    }
    #expect(!excerpt.contains(secret.base64EncodedString().prefix(10)))
    #expect(excerpt.hasSuffix("…"))
  }
}
