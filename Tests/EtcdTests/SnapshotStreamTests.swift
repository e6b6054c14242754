// Snapshots over the wire: what is handed out, what is refused, and how it ends when nothing comes.

import Digests
import Etcd
import Hints
import HTTP
import SnapshotFile
import Testing
import TestSupport

/// Why this stream is no snapshot, or `nil` where it was taken for one.
private func fault(in reply: ScriptedServer.Reply) throws -> SnapshotError? {
  do {
    _ = try PulledSnapshot(reply)
    return nil
  } catch let error as SnapshotError {
    return error
  }
}

private func fault(in stream: GatewayStream) throws -> SnapshotError? {
  try fault(in: .snapshot(stream))
}

@Suite struct `A snapshot stream` {
  @Test(
    arguments: [
      ScriptedServer.Answer.Framing.contentLength, .chunked(size: 10_007),
      .chunked(size: 1_000_000),
      .untilClose,
    ],
    GatewayStream.Spacing.allCases)
  func `is read byte for byte, in every framing and style`(
    framing: ScriptedServer.Answer.Framing, spacing: GatewayStream.Spacing
  ) throws {
    var stream = GatewayStream(of: SnapshotFixture.database)
    stream.spacing = spacing
    let snapshot = try PulledSnapshot(.snapshot(stream, framing: framing))
    #expect(snapshot.bytes == SnapshotFixture.file)
    #expect(snapshot.result.file.size == UInt64(SnapshotFixture.file.count))
    #expect(snapshot.result.file.sha256.description == SnapshotFixture.sha256OfFile)
  }

  @Test(arguments: [1, 7, 5000, 27_396, 1_000_000])
  func `needs no line ends, as etcd before 3_3_21 sends none`(chunk: Int) throws {
    var stream = GatewayStream(of: SnapshotFixture.database)
    stream.lineEnd = ""
    let snapshot = try PulledSnapshot(.snapshot(stream, framing: .chunked(size: chunk)))
    #expect(snapshot.bytes == SnapshotFixture.file)
  }

  @Test func `may name a storage version in every message, as etcd 3.6 does`() throws {
    var stream = GatewayStream(of: SnapshotFixture.database)
    stream.version = "3.6.0"
    #expect(try PulledSnapshot(stream).bytes == SnapshotFixture.file)
  }

  @Test(arguments: GatewayStream.Countdown.allCases)
  func `S5: may count the hash among the remaining bytes`(countdown: GatewayStream.Countdown) throws
  {
    let stream = GatewayStream(of: SnapshotFixture.database, countdown: countdown)
    #expect(try PulledSnapshot(stream).bytes == SnapshotFixture.file)
  }

  /// Eight pages of 4,096 bytes are exactly one message.
  @Test(arguments: [(4, 4096), (8, 4096), (9, 4096), (16, 4096), (300, 4096), (5, 65_536)])
  func `S9: of any size comes back as it was sent`(pageCount: Int, pageSize: Int) throws {
    let database = TestDatabase.bytes(pageCount: pageCount, pageSize: pageSize)
    let file = database + SHA256.digest(of: database).bytes
    let snapshot = try PulledSnapshot(GatewayStream(of: database))
    #expect(snapshot.bytes == file)
    #expect(snapshot.result.file.size == UInt64(file.count))
    #expect(snapshot.result.file.sha256 == SHA256.digest(of: file))
  }

  @Test func `tells how far it has come, and how far it is to go`() throws {
    let member = ScriptedMember(
      snapshot: .snapshot(GatewayStream(of: TestDatabase.bytes(pageCount: 20))))
    var snapshot = try EtcdCluster(member).chooseMember().openSnapshot(checkingPages: false)
    #expect(snapshot.received == 0)
    #expect(snapshot.expected == nil)
    var received: [UInt64] = []
    while try snapshot.advance() {
      received.append(snapshot.received)
      #expect(snapshot.expected == 81_952)
    }
    #expect(received == [32_768, 65_536, 81_920, 81_952])
    _ = try snapshot.finish()
  }

  @Test func `is asked of the member that was chosen, with an empty question`() throws {
    let member = ScriptedMember()
    _ = try PulledSnapshot(from: member)
    let request = try #require(member.server.requests.last)
    #expect(request.target == "/v3/maintenance/snapshot")
    #expect(request.bodyText == "{}")
    #expect(request["content-type"] == "application/json")
    #expect(request["grpc-metadata-hasleader"] == "true")
    #expect(request["authorization"] == nil)
  }
}

@Suite struct `A snapshot stream that was cut off` {
  static let stream = GatewayStream(of: TestDatabase.bytes(pageCount: 24))

  /// In the body: at its very start, in a field's name, in the base64, between lines, before the
  /// hash, in the hash, and before the last line end's brace.
  static let cuts: [Int] = [
    0, 1, 6, 14, 25, 60, 20_000, stream.offset(ofLine: 1) - 1, stream.offset(ofLine: 1),
    stream.offset(ofLine: 2) + 40, stream.offset(ofLine: 3), stream.offset(ofLine: 3) + 9,
    stream.offset(ofLine: 3) + 50, stream.bytes.count - 3, stream.bytes.count - 2,
  ]

  @Test(arguments: cuts)
  func `S1: by the server's end is refused, wherever the cut is`(position: Int) throws {
    let reply: ScriptedServer.Reply = [
      .response(
        200, body: Self.stream.bytes, framing: .contentLength, bodyLimit: position), .close,
    ]
    guard case .interrupted(let received, let error)? = try fault(in: reply) else {
      Issue.record("\(String(describing: try fault(in: reply)))")
      return
    }
    #expect(error.kind == .cutShort)
    #expect(received % 32_768 == 0)
  }

  @Test(arguments: cuts)
  func `S1: by a reset is refused, wherever the cut is`(position: Int) throws {
    let reply: ScriptedServer.Reply = [
      .response(
        200, body: Self.stream.bytes, framing: .chunked(size: 32_768), bodyLimit: position + 6),
      .reset,
    ]
    guard case .interrupted? = try fault(in: reply) else {
      Issue.record("\(String(describing: try fault(in: reply)))")
      return
    }
  }

  @Test(arguments: cuts)
  func `S2: with a clean end is refused, wherever the cut is`(position: Int) throws {
    let body = Array(Self.stream.bytes.prefix(position))
    for framing in [ScriptedServer.Answer.Framing.untilClose, .contentLength, .chunked(size: 999)] {
      let fault = try fault(in: .response(200, body: body, framing: framing))
      guard case .file(.truncated)? = fault else {
        Issue.record("\(framing): \(String(describing: fault))")
        continue
      }
      #expect(fault?.hint?.contains("proxy") == true)
    }
  }

  @Test func `S1: after its last byte, but before HTTP's end of the body, is refused`() throws {
    let body = GatewayStream(of: SnapshotFixture.database).bytes
    // All of the only chunk, which begins with its length, "6b06", and a line end.
    let reply: ScriptedServer.Reply = [
      .response(
        200, body: body, framing: .chunked(size: 100_000), bodyLimit: 6 + body.count + 2), .close,
    ]
    guard case .interrupted(let received, _)? = try fault(in: reply) else {
      Issue.record("it was taken for whole")
      return
    }
    #expect(received == 20_512)
  }

  @Test func `S2: by nothing but its last line end is whole`() throws {
    let body = Array(GatewayStream(of: SnapshotFixture.database).bytes.dropLast())
    let snapshot = try PulledSnapshot(.response(200, body: body, framing: .untilClose))
    #expect(snapshot.bytes == SnapshotFixture.file)
  }

  @Test func `S1: tells how much had come and how much was to come`() throws {
    let body = Array(Self.stream.bytes.prefix(Self.stream.offset(ofLine: 2)))
    let fault = try fault(in: .response(200, body: body))
    #expect(fault == .file(.truncated(received: 65_536, expected: 98_336)))
    #expect(fault?.description == "the snapshot ended early, after 65536 of 98336 bytes")
  }
}

@Suite struct `A snapshot stream that is wrong` {
  @Test(arguments: GatewayStream.ErrorShape.allCases, [0, 1, 3, 4])
  func `S3: shows etcd's own message although the status was 200`(
    shape: GatewayStream.ErrorShape, position: Int
  ) throws {
    var stream = GatewayStream(of: TestDatabase.bytes(pageCount: 24))
    stream.lines[position...] = [.error(shape, code: 4, message: "context deadline exceeded")]
    let error = try #require(try fault(in: stream))
    guard case .refused = error else {
      Issue.record("\(error)")
      return
    }
    #expect(error.description.hasSuffix("broke the snapshot off: context deadline exceeded"))
    #expect(error.hint?.contains("proxy") == true)
  }

  @Test(arguments: [0, 79, 4096, 20_479, 20_480, 20_511])
  func `S4: by one flipped bit is refused`(position: Int) throws {
    var file = SnapshotFixture.file
    file[position] ^= 0x10
    let stream = GatewayStream(lines: [
      .message(remaining: 0, blob: Array(file[..<20_480])),
      .message(remaining: 0, blob: Array(file[20_480...])),
    ])
    switch try fault(in: stream) {
    case .file(.checksumMismatch)?: #expect(!(0..<80).contains(position))
    case .file(.notDatabase)?: #expect((0..<80).contains(position))
    case let fault: Issue.record("\(String(describing: fault))")
    }
  }

  @Test func `S5: by a missing hash is refused, though the countdown reached nothing`() throws {
    var stream = GatewayStream(of: SnapshotFixture.database)
    stream.lines.removeLast()
    #expect(try fault(in: stream) == .file(.truncated(received: 20_480, expected: 20_512)))
  }

  @Test func `by a line of something else is refused, and tells of it`() throws {
    var stream = GatewayStream(of: TestDatabase.bytes(pageCount: 24))
    stream.lines.insert(.raw("<h1>Service   Unavailable</h1>\n"), at: 2)
    let error = try fault(in: stream)
    #expect(error == .garbled(received: 65_536, excerpt: "<h1>Service Unavailable</h1>"))
    #expect(error?.hint?.contains("proxy") == true)
  }

  @Test(arguments: [
    (1, SnapshotError.miscounted(announced: 32_767, counted: 32_768)),
    (0, .wrongSize(announced: 98_303, database: 98_304)),
  ])
  func `S5: by a countdown that is one off is refused`(line: Int, expected: SnapshotError) throws {
    var stream = GatewayStream(of: TestDatabase.bytes(pageCount: 24))
    guard case .message(let remaining, let blob) = stream.lines[line] else { return }
    stream.lines[line] = .message(remaining: remaining - 1, blob: blob)
    #expect(try fault(in: stream) == expected)
  }

  @Test func `by bytes after the hash is refused`() throws {
    var stream = GatewayStream(of: SnapshotFixture.database)
    stream.lines.append(.message(remaining: 0, blob: [1, 2, 3]))
    #expect(try fault(in: stream) == .file(.excessBytes(byteCount: 3)))
  }

  @Test(arguments: [1, 31, 33])
  func `by a hash of another length is refused`(count: Int) throws {
    var stream = GatewayStream(of: SnapshotFixture.database)
    stream.lines[1] = .message(remaining: 0, blob: [UInt8](repeating: 1, count: count))
    #expect(try fault(in: stream) == .malformedTrailer(byteCount: count))
  }

  @Test func `by being empty is refused`() throws {
    #expect(
      try fault(in: GatewayStream(lines: [])) == .file(.truncated(received: 0, expected: nil)))
  }
}

@Suite struct `A snapshot stream that does not end` {
  private static func endless(after start: [UInt8], _ chunk: String) -> ScriptedServer.Reply {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    let framed = { (text: [UInt8]) in
      Array("\(String(text.count, radix: 16))\r\n".utf8) + text + Array("\r\n".utf8)
    }
    return [
      .send(head), .send(framed(start)), .sendRepeatedly(framed(Array(chunk.utf8)), times: .max),
    ]
  }

  @Test(arguments: [#"{"result":{"remaining_bytes":"65536"}}"#, #"{"result":{}}"#])
  func `S6: because of empty messages is given up`(line: String) throws {
    let stream = GatewayStream(of: TestDatabase.bytes(pageCount: 24))
    let error = try fault(in: Self.endless(after: stream.bytes(ofLine: 0), line + "\n"))
    guard case .brokenMember(_, .noProgress(received: 32_768, emptyMessages: 100))? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.hint?.contains("disk") == true)
  }

  @Test func `because its line does not end is given up`() throws {
    let stream = GatewayStream(of: TestDatabase.bytes(pageCount: 24))
    let error = try fault(
      in: Self.endless(after: stream.bytes(ofLine: 0), String(repeating: "A", count: 10_000)))
    guard case .garbled(let received, let excerpt)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(received == 32_768)
    #expect(excerpt == "…")
  }

  @Test func `S7: because nothing more comes is given up after the stall time-out`() throws {
    let stream = GatewayStream(of: TestDatabase.bytes(pageCount: 24))
    let member = ScriptedMember(snapshot: [
      .response(
        200, body: stream.bytes, framing: .contentLength, bodyLimit: stream.offset(ofLine: 1)),
      .hold,
    ])
    let error = try #require(throws: SnapshotError.self) {
      try PulledSnapshot(from: member, stall: .seconds(3))
    }
    guard case .interrupted(received: 32_768, let cause) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(cause.kind == .stalled)
    #expect(error.hint != nil)
  }

  @Test func `S7: because nothing comes at all is given up after the stall time-out`() throws {
    let member = ScriptedMember(snapshot: [.hold])
    let error = try #require(throws: EtcdError.self) {
      try PulledSnapshot(from: member, stall: .seconds(3))
    }
    guard case .unreachable(_, let cause) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(cause.kind == .stalled)
  }

  @Test(arguments: [StopReason.terminated, .deadline])
  func `is left when the run must stop`(reason: StopReason) throws {
    let stream = GatewayStream(of: TestDatabase.bytes(pageCount: 24))
    let member = ScriptedMember(snapshot: [
      .response(
        200, body: stream.bytes, framing: .contentLength, bodyLimit: stream.offset(ofLine: 1)),
      .hold,
    ])
    let mustStop = Flag()
    let cluster = try EtcdCluster([member.server.url]) { mustStop.isRaised ? reason : nil }
    var snapshot = try cluster.chooseMember().openSnapshot(checkingPages: false)
    #expect(try snapshot.advance())
    #expect(snapshot.withBytes { $0.byteCount } == 32_768)

    mustStop.raise()
    var stopped: SnapshotError?
    do throws(SnapshotError) { _ = try snapshot.advance() } catch { stopped = error }
    #expect(stopped?.stopReason == reason)
  }
}
