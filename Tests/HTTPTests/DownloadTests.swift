// Answers whose body is pulled piece by piece.

import HTTP
import TestSupport
import Testing

@Suite struct `A download` {
  private static let mebibyte = [UInt8](repeating: 42, count: 1 << 20)

  /// Everything that comes, and how it ended.
  private func readAll(
    _ server: ScriptedServer, on transport: Transport = Transport()
  ) throws(TransferError) -> (bytes: [UInt8], error: TransferError?) {
    let download = try transport.download(Request("GET", server.url), over: Connection())
    var all: [UInt8] = []
    var piece: [UInt8] = []
    do {
      while try download.read(into: &piece) { all += piece }
    } catch {
      return (all, error)
    }
    return (all, nil)
  }

  @Test(arguments: [
    ScriptedServer.Answer.Framing.contentLength, .chunked(size: 32_768), .untilClose,
  ])
  func `brings every byte in every framing`(framing: ScriptedServer.Answer.Framing) throws {
    let body = patternBytes(5_000_000)
    let server = ScriptedServer { _ in .response(200, body: body, framing: framing) }
    let (bytes, error) = try readAll(server)
    #expect(error == nil)
    #expect(bytes == body)
  }

  @Test func `has status and header fields before its body`() throws {
    let server = ScriptedServer { _ in
      [
        .send("HTTP/1.1 100 Continue\r\n\r\n"), .pause(.milliseconds(50)),
        .send("HTTP/1.1 206 Partial\r\nETag: \"1\"\r\nContent-Length: 4\r\n\r\n"), .hold,
      ]
    }
    let download = try Transport().download(Request("GET", server.url), over: Connection())
    #expect(download.status == 206)
    #expect(download.headers["etag"] == "\"1\"")
  }

  @Test func `may be empty`() throws {
    let server = ScriptedServer { _ in .response(200) }
    let (bytes, error) = try readAll(server)
    #expect(bytes.isEmpty)
    #expect(error == nil)
  }

  @Test func `stays at its end`() throws {
    let server = ScriptedServer { _ in .response(200, text: "x") }
    let download = try Transport().download(Request("GET", server.url), over: Connection())
    var piece: [UInt8] = []
    #expect(try download.read(into: &piece))
    for _ in 0..<3 {
      #expect(try !download.read(into: &piece))
      #expect(piece.isEmpty)
    }
  }

  @Test(arguments: [
    (ScriptedServer.Answer.Framing.contentLength, ScriptedServer.Action.close),
    (.contentLength, .reset), (.chunked(size: 1000), .close), (.chunked(size: 1000), .reset),
    (.untilClose, .reset),
  ])
  func `hands out what came before it was cut off, then fails`(
    framing: ScriptedServer.Answer.Framing, end: ScriptedServer.Action
  ) throws {
    let body = [UInt8](repeating: 7, count: 10_000)
    let server = ScriptedServer { _ in
      [.response(200, body: body, framing: framing, bodyLimit: 5000), end]
    }
    let (bytes, error) = try readAll(server)
    #expect((4900...5000).contains(bytes.count), "\(bytes.count)")
    #expect(error?.kind == .cutShort)
  }

  @Test func `fails again and again once it has failed`() throws {
    let server = ScriptedServer { _ in [.response(200, text: "ab", bodyLimit: 1), .reset] }
    let download = try Transport().download(Request("GET", server.url), over: Connection())
    var piece: [UInt8] = []
    #expect(try download.read(into: &piece))
    for _ in 0..<3 {
      let error = #expect(throws: TransferError.self) { try download.read(into: &piece) }
      #expect(error?.kind == .cutShort)
    }
  }

  @Test func `that never gets a head fails at once`() {
    let server = ScriptedServer { _ in [.send("HTTP/1.1 200 OK\r\nContent-"), .close] }
    let error = #expect(throws: TransferError.self) {
      _ = try Transport().download(Request("GET", server.url), over: Connection())
    }
    #expect(error?.kind == .cutShort)
  }

  @Test func `that stalls half-way fails`() throws {
    let server = ScriptedServer { _ in [.response(200, text: "hello", bodyLimit: 2), .hold] }
    var connection = Connection()
    connection.timeouts.stall = .seconds(3)
    let download = try Transport().download(Request("GET", server.url), over: connection)
    var piece: [UInt8] = []
    #expect(try download.read(into: &piece))
    let error = #expect(throws: TransferError.self) { try download.read(into: &piece) }
    #expect(error?.kind == .stalled)
  }

  /// An error's body, for example.
  @Test(arguments: [(3, "hel"), (5, "hello"), (100, "hello")])
  func `is read to its end or to a limit`(limit: Int, text: String) throws {
    let server = ScriptedServer { _ in .response(500, text: "hello") }
    let download = try Transport().download(Request("GET", server.url), over: Connection())
    #expect(try download.readAll(limit: limit) == Array(text.utf8))
  }

  // MARK: Back-pressure

  @Test func `makes a fast sender wait while nobody reads`() throws {
    let server = ScriptedServer { _ in
      [
        .send("HTTP/1.1 200 OK\r\nContent-Length: \(1 << 30)\r\n\r\n"),
        .sendRepeatedly(Self.mebibyte, times: 1 << 10),
      ]
    }
    let transport = Transport()
    let download = try transport.download(Request("GET", server.url), over: Connection())
    var sent = 0
    repeat {
      sent = server.connections[0].sentBytes
      try transport.sleep(for: .milliseconds(500), before: "reading")
    } while server.connections[0].sentBytes > sent
    // What lies in the kernel's buffers, and 1 MiB in ours.
    #expect(sent < 64 << 20, "\(sent)")

    var piece: [UInt8] = []
    for _ in 0..<200 {
      #expect(try download.read(into: &piece))
      #expect(piece.count <= 1 << 20)
    }
  }

  @Test func `does not stall by its reader's slowness`() throws {
    let server = ScriptedServer { _ in
      .response(200, body: Array(repeating: 1, count: 20_000_000))
    }
    var connection = Connection()
    connection.timeouts.stall = .seconds(3)
    let transport = Transport()
    let download = try transport.download(Request("GET", server.url), over: connection)
    var piece: [UInt8] = []
    var count = 0
    try transport.sleep(for: .seconds(7), before: "reading")
    while try download.read(into: &piece) { count += piece.count }
    #expect(count == 20_000_000)
  }

  // MARK: Others

  @Test func `lets other requests go on while it is waited for`() throws {
    let store = ScriptedServer { _ in .response(201) }
    // The member answers only after the store has got the whole block.
    let member = ScriptedServer { _ in
      .response(store.wait { $0.requests.first?.isWhole == true } ? 200 : 500)
    }
    let body = Payload(Array(repeating: 1, count: 8 << 20))
    let transport = Transport()
    let upload = transport.start(Request("PUT", store.url, body: body), over: Connection())
    let download = try transport.download(Request("GET", member.url), over: Connection())
    #expect(download.status == 200)
    #expect(try transport.finish(upload).status == 201)
  }
}
