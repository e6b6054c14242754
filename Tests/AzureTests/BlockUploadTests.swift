// Blocks on the wire: how they are cut, checked, tried again and kept moving.

import Azure
import Glibc
import Hints
import HTTP
import Synchronization
import Testing
import TestSupport

@Suite struct `A block upload` {
  @Test func `cuts its bytes into blocks and sends each with id, checksum and signature`() throws {
    let server = ScriptedServer { .stored($0) }
    let store = try TestStore(server)
    let bytes = testBytes(2500)
    try store.stage(bytes)

    let requests = server.requests
    #expect(
      requests.map(\.body) == [bytes[..<1000], bytes[1000..<2000], bytes[2000...]].map(Array.init))
    // base64 of 0123456789abcdef-00000 and so on.
    #expect(
      requests.map(\.target)
        == ["MA", "MQ", "Mg"].map {
          "\(TestStore.blobPath)?comp=block&blockid=MDEyMzQ1Njc4OWFiY2RlZi0wMDAw\($0)%3D%3D"
        })
    for request in requests {
      #expect(request.method == "PUT")
      #expect(request["x-ms-content-crc64"] == checksum(of: request.body))
      #expect(request["x-ms-version"] == "2021-12-02")
      #expect(request["content-type"] == nil && request["expect"] == nil)
      #expect(request.isRightlySigned)
    }
  }

  @Test(arguments: [1, 999, 1000, 1001, 2999, 3000, 5000])
  func `S9: stores every byte and never an empty block`(count: Int) throws {
    let server = ScriptedServer { .stored($0) }
    let store = try TestStore(server)
    let upload = try store.stage(testBytes(count))

    #expect(server.requests.flatMap(\.body) == testBytes(count))
    #expect(server.requests.allSatisfy { !$0.body.isEmpty })
    #expect(server.requests.count == (count + 999) / 1000)
    #expect(upload.size == count)
    #expect(upload.storedBlocks == server.requests.count)
  }

  @Test func `does not mind in which pieces its bytes come`() throws {
    let server = ScriptedServer { .stored($0) }
    let store = try TestStore(server)
    var upload = store.startUpload()
    let bytes = testBytes(4321)
    var rest = bytes[...]
    for size in [0, 1, 998, 1, 1, 2400, 0, 919, 1] {
      try upload.append(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    try upload.finishBlocks()
    #expect(server.requests.flatMap(\.body) == bytes)
  }

  @Test func `keeps as many blocks on their way as it may, and no more`() throws {
    let arrived = Counter()
    let answered = Counter()
    let overlap = Mutex(0)
    let server = ScriptedServer { request in
      let atOnce = arrived.next() - answered.count
      overlap.withLock { $0 = max($0, atOnce) }
      usleep(30_000)
      _ = answered.next()
      return .stored(request)
    }
    let store = try TestStore(server)
    try store.stage(testBytes(12_000), blocksInFlight: 3)
    #expect(overlap.withLock { $0 } == 3)
    #expect(server.requests.count == 12)
  }

  @Test(arguments: [408, 429, 500, 502, 503, 504])
  func `U1: sends a refused block again, whole, dated and signed anew`(status: Int) throws {
    let bytes = testBytes(700)
    let tries = Counter()
    let server = ScriptedServer { request in
      tries.next() <= 2
        ? .response(status, text: "<html>busy<br></html>") : .stored(request)
    }
    let store = try TestStore(server)
    try store.stage(bytes)

    let requests = server.requests
    #expect(requests.map(\.body) == [bytes, bytes, bytes])
    #expect(Set(requests.map(\.target)).count == 1)
    for name in ["x-ms-date", "authorization", "x-ms-client-request-id"] {
      #expect(Set(requests.map { $0[name] }).count == 3, "\(name) must be new each time")
    }
    #expect(requests.allSatisfy { $0.isRightlySigned })
  }

  @Test func `U1: waits as long as Retry-After says`() throws {
    let tries = Counter()
    let server = ScriptedServer { request in
      tries.next() == 1
        ? .refusal(503, "ServerBusy", headers: ["Retry-After": "1"]) : .stored(request)
    }
    try TestStore(server).stage(testBytes(10))
    let requests = server.requests
    #expect(requests.count == 2)
    #expect(requests[0].arrival.duration(to: requests[1].arrival) >= .seconds(1))
  }

  @Test func `U1: gives up where Retry-After asks for more patience than it has`() throws {
    let server = ScriptedServer { _ in
      .refusal(503, "ServerBusy", headers: ["Retry-After": "3600"])
    }
    #expect(throws: AzureError.self) { try TestStore(server).stage(testBytes(10)) }
    #expect(server.requests.count == 1)
  }

  @Test func `U1: survives a reset in the middle of a body`() throws {
    let bytes = testBytes(3_000_000)
    let tries = Counter()
    let server = ScriptedServer(beforeBody: { _ in
      tries.next() == 1 ? [.readBody(upTo: 100_000), .reset] : []
    }) { .stored($0) }
    try TestStore(server).stage(bytes, blockSize: 3_000_000)
    #expect(server.requests.last?.body == bytes)
    #expect(server.requests.count == 2)
  }

  @Test func `U1: survives a connection that ends without an answer`() throws {
    let tries = Counter()
    let server = ScriptedServer { request in
      tries.next() == 1 ? [.close] : .stored(request)
    }
    try TestStore(server).stage(testBytes(10))
    #expect(server.requests.map(\.body) == [testBytes(10), testBytes(10)])
  }

  @Test func `U1: does not wait for ever on a store that falls silent`() throws {
    let tries = Counter()
    let server = ScriptedServer { request in
      tries.next() == 1 ? [.hold] : .stored(request)
    }
    _ = try TestStore(server, stall: .seconds(3)).stage(testBytes(10))
    #expect(server.requests.count == 2)
  }

  @Test func `U1: gives up after as many attempts as it may make`() throws {
    let server = ScriptedServer { _ in .refusal(503, "ServerBusy") }
    let error = try #require(throws: AzureError.self) {
      try TestStore(server).stage(testBytes(10))
    }
    #expect(server.requests.count == 4)
    #expect(error.description.hasSuffix("503 ServerBusy, No. (request id r-1) after 4 attempts"))
    #expect(error.hint == "Is the storage account at its request limit?")
  }

  @Test(arguments: [
    (401, "NoAuthenticationInformation"), (403, "AuthenticationFailed"),
    (403, "AuthorizationFailure"), (404, "ContainerNotFound"), (413, "RequestBodyTooLarge"),
  ])
  func `U2: fails at the first refusal that retrying cannot change`(
    status: Int, code: String
  ) throws {
    let server = ScriptedServer { _ in
      .refusal(
        status, code,
        detail:
          "The MAC signature found in the HTTP request 'c2ln' is not the same as any computed "
          + "signature. Server used following string to sign: 'PUT'.")
    }
    let error = try #require(throws: AzureError.self) {
      try TestStore(server).stage(testBytes(10))
    }
    #expect(server.requests.count == 1)
    #expect(error.description.contains("\(status) \(code)"))
    let signature = try #require(server.requests[0]["authorization"]?.split(separator: ":").last)
    for secret in [String(signature), "c2ln", "string to sign", TestStore.key] {
      #expect(!"\(error) \(error.hint ?? "")".contains(secret))
    }
  }

  @Test func `U6: sends a block again that the store found damaged`() throws {
    let tries = Counter()
    let server = ScriptedServer { request in
      tries.next() == 1
        ? .refusal(400, "Crc64Mismatch") : .stored(request)
    }
    try TestStore(server).stage(testBytes(10))
    #expect(server.requests.map(\.body) == [testBytes(10), testBytes(10)])
  }

  @Test func `U6: sends a block again that the store took but stored otherwise`() throws {
    let tries = Counter()
    let server = ScriptedServer { request in
      tries.next() == 1
        ? .response(201, headers: ["x-ms-content-crc64": "AAAAAAAAAAA="]) : .stored(request)
    }
    let upload = try TestStore(server).stage(testBytes(10))
    #expect(server.requests.count == 2)
    #expect(upload.storedBlocks == 1)
  }

  @Test func `U6: fails where the store never stores what was sent`() throws {
    let server = ScriptedServer { _ in
      .response(201, headers: ["x-ms-content-crc64": "AAAAAAAAAAA="])
    }
    let store = try TestStore(server)
    let error = try #require(throws: AzureError.self) { try store.stage(testBytes(10)) }
    #expect(error == .damagedBlock(store.blob, index: 0, attempts: 4))
  }

  @Test func `takes nothing but 201 for a stored block`() throws {
    let server = ScriptedServer { _ in .response(200, text: "<html>welcome</html>") }
    let error = try #require(throws: AzureError.self) {
      try TestStore(server).stage(testBytes(10))
    }
    #expect(error.hint?.contains("proxy") == true)
  }

  @Test func `lets other blocks pass one that waits for its next attempt`() throws {
    let isFirst = { @Sendable (request: RecordedRequest) in request.target.hasSuffix("MDAwMA%3D%3D")
    }
    let (refusals, others) = (Counter(), Counter())
    // The first is refused once, and until all the others are stored.
    let server = ScriptedServer { request in
      if !isFirst(request) {
        _ = others.next()
      } else if refusals.next() == 1 || others.count < 5 {
        return .refusal(503, "ServerBusy", headers: ["retry-after-ms": "500"])
      }
      return .stored(request)
    }
    try TestStore(server, attempts: 200).stage(testBytes(6000), blocksInFlight: 2)

    let attempts = server.requests.filter(isFirst)
    #expect(attempts.count >= 2)
    #expect(attempts.allSatisfy { $0.body == testBytes(1000) })
    #expect(others.count == 5)
  }

  @Test func `takes its requests off the wire when it is let go`() throws {
    let server = ScriptedServer { _ in [.hold] }
    let store = try TestStore(server)
    do {
      var upload = store.startUpload(blocksInFlight: 2)
      try upload.append(testBytes(2000))
      try store.transport.wait(for: "both blocks to arrive") { server.requests.count == 2 }
      #expect(server.connections.allSatisfy { $0.end == nil })
    }
    #expect(server.wait { $0.connections.allSatisfy { $0.end == .closedByClient } })
  }

  @Test func `U12: stops when the run must stop`() throws {
    let server = ScriptedServer { _ in [.hold] }
    let end = ContinuousClock.now + .milliseconds(300)
    let store = try TestStore(server, stopReason: { .now > end ? .terminated : nil })
    let error = try #require(throws: AzureError.self) { try store.stage(testBytes(10)) }
    #expect(error.stopReason == .terminated)
    #expect(.now < end + .seconds(50))
  }
}
