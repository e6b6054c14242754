// Reading a blob by ranges: in order, in one version, resumed where it broke off, in bounded memory.

import Azure
import Hints
import HTTP
import Synchronization
import Testing
import TestSupport

/// The bytes that a request asks for.
private func range(_ request: RecordedRequest) throws -> Range<Int> {
  let text = try #require(request["x-ms-range"])
  let ends = text.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) }
  try #require(text.hasPrefix("bytes=") && ends.count == 2)
  return ends[0]..<ends[1] + 1
}

/// Part of a blob of these bytes.
private func part(
  _ request: RecordedRequest, of bytes: [UInt8], etag: String = "\"0x1\"", bodyLimit: Int? = nil
) -> ScriptedServer.Action {
  guard let range = try? range(request) else { return .response(500, text: "no range") }
  return .response(
    206,
    headers: [
      "ETag": etag,
      "Content-Range": "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(bytes.count)",
    ], body: Array(bytes[range]), bodyLimit: bodyLimit)
}

/// Everything that is read of a blob of 5,000 bytes, 1,000 at a time.
private func read(
  _ server: ScriptedServer, size: Int = 5000, rangesInFlight: Int = 3, attempts: Int = 4,
  stall: Duration = .seconds(10)
) throws -> [UInt8] {
  let store = try TestStore(server, attempts: attempts, stall: stall)
  var reader = store.container.read(
    store.blob, ifMatch: try #require(ETag("0x1")), size: size, rangeSize: 1000,
    rangesInFlight: rangesInFlight)
  var all: [UInt8] = []
  while let payload = try reader.next() {
    payload.withBytes { unsafe $0.withUnsafeBytes { unsafe all.append(contentsOf: $0) } }
  }
  return all
}

@Suite struct `Reading a blob` {
  private let bytes = testBytes(5000)

  @Test(arguments: [1, 2, 3, 8], [0, 1, 999, 1000, 1001, 5000])
  func `hands out all bytes in order, whatever its size`(rangesInFlight: Int, size: Int) throws {
    let bytes = testBytes(size)
    let server = ScriptedServer { [part($0, of: bytes)] }
    #expect(try read(server, size: size, rangesInFlight: rangesInFlight) == bytes)
    #expect(server.requests.count == (size + 999) / 1000)
  }

  @Test func `asks for ranges of one version, rightly signed`() throws {
    let server = ScriptedServer { [bytes] in [part($0, of: bytes)] }
    _ = try read(server)
    for request in server.requests {
      #expect("\(request.method) \(request.target)" == "GET \(TestStore.blobPath)")
      #expect(request["if-match"] == "\"0x1\"")
      #expect(request["range"] == nil)
      #expect(request.isRightlySigned)
    }
    let ranges = try server.requests.map(range).sorted { $0.lowerBound < $1.lowerBound }
    #expect(ranges == stride(from: 0, to: 5000, by: 1000).map { $0..<$0 + 1000 })
  }

  @Test func `has several ranges on their way, and never more than allowed`() throws {
    let busy = Atomic(0)
    let most = Atomic(0)
    let server = ScriptedServer(
      beforeBody: { _ in
        most.max(busy.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
        // The first three wait for each other.
        while most.load(ordering: .relaxed) < 3 { pauseThread(milliseconds: 5) }
        return [.pause(.milliseconds(50))]
      },
      answering: { [bytes] request in
        busy.subtract(1, ordering: .relaxed)
        return [part(request, of: bytes)]
      })
    _ = try read(server, rangesInFlight: 3)
    #expect(most.load(ordering: .relaxed) == 3)
  }

  @Test func `that comes in any order is handed out in the blob's`() throws {
    let server = ScriptedServer { [bytes] request in
      let isFirst = request["x-ms-range"]?.hasPrefix("bytes=0-") == true
      return [.pause(.milliseconds(isFirst ? 300 : 0)), part(request, of: bytes)]
    }
    #expect(try read(server) == bytes)
  }

  @Test(arguments: [0, 1, 700, 999])
  func `U1: goes on from the byte where a range broke off`(limit: Int) throws {
    let attempts = Counter()
    let server = ScriptedServer { [bytes] request in
      let whole = part(request, of: bytes)
      let isTarget = request["x-ms-range"]?.hasSuffix("-2999") == true
      guard isTarget, attempts.next() == 1 else { return [whole] }
      return [part(request, of: bytes, bodyLimit: limit), .reset]
    }
    #expect(try read(server) == bytes)
    let asked = try server.requests.map(range).filter { $0.upperBound == 3000 }
    #expect(asked.first == 2000..<3000)
    #expect(asked.last.map { (2000...2000 + limit).contains($0.lowerBound) } == true)
  }

  @Test func `U1: an attempt that brought bytes does not count`() throws {
    let server = ScriptedServer { [bytes] in
      [part($0, of: bytes, bodyLimit: 100), .close]
    }
    #expect(try read(server, attempts: 2) == bytes)
  }

  @Test(arguments: [
    [ScriptedServer.Action.response(503, text: "busy")], [.reset],
    [.response(500, headers: ["x-ms-error-code": "OperationTimedOut"], text: "")],
    [.send("HTTP/1.1 206 Partial Content\r\nContent-Type: x\r\n"), .close],
  ])
  func `U1: is tried again after a transient failure`(failure: [ScriptedServer.Action]) throws {
    let count = Counter()
    let server = ScriptedServer { [bytes] request in
      count.next() <= 2 ? ScriptedServer.Reply(failure) : [part(request, of: bytes)]
    }
    #expect(try read(server) == bytes)
  }

  @Test func `U1: gives a store up that stays busy`() throws {
    let server = ScriptedServer { _ in .response(503, text: "busy") }
    let error = try #require(throws: AzureError.self) { try read(server) }
    #expect(error.isTransient)
    #expect(error.description.contains("after 4 attempts"))
  }

  @Test func `U1: a range that stalls is asked for again`() throws {
    let count = Counter()
    let server = ScriptedServer { [bytes] request in
      count.next() == 2
        ? [part(request, of: bytes, bodyLimit: 10), .hold] : [part(request, of: bytes)]
    }
    #expect(try read(server, stall: .seconds(3)) == bytes)
  }

  @Test func `never mixes two versions`() throws {
    let count = Counter()
    let server = ScriptedServer { [bytes] request in
      count.next() <= 2 ? [part(request, of: bytes)] : .refusal(412, "ConditionNotMet")
    }
    let error = try #require(throws: AzureError.self) { try read(server) }
    #expect(error.description.contains("412 ConditionNotMet"))
    #expect(error.hint?.contains("change the blob") == true)
  }

  @Test(arguments: [
    ("bytes 0-998/5000", "\"0x1\""), ("bytes 1-1000/5000", "\"0x1\""),
    ("bytes 0-999/6000", "\"0x1\""), ("bytes 0-999/5000", "\"0x2\""), ("", "\"0x1\""),
  ])
  func `refuses what was not asked for`(contentRange: String, etag: String) throws {
    let server = ScriptedServer { [bytes] _ in
      .response(
        206, headers: ["ETag": etag, "Content-Range": contentRange], body: Array(bytes[..<1000]))
    }
    let error = try #require(throws: AzureError.self) { try read(server, rangesInFlight: 1) }
    #expect(error.description.hasSuffix("it is not the range that was asked for"))
    #expect(server.requests.count == 1)
  }

  @Test func `refuses more bytes than a range has`() throws {
    let server = ScriptedServer { [bytes] _ in
      .response(
        206, headers: ["ETag": "\"0x1\"", "Content-Range": "bytes 0-999/5000"], body: bytes)
    }
    let error = try #require(throws: AzureError.self) { try read(server, rangesInFlight: 1) }
    #expect(!error.isTransient)
  }

  @Test func `refuses a whole blob in place of a range`() throws {
    let server = ScriptedServer { [bytes] _ in
      .response(200, headers: ["ETag": "\"0x1\""], body: bytes)
    }
    let error = try #require(throws: AzureError.self) { try read(server, rangesInFlight: 1) }
    #expect(error.description.hasSuffix("it is not a part, but status 200"))
  }

  @Test func `says why there is nothing to read`() throws {
    let server = ScriptedServer { _ in .refusal(409, "BlobArchived") }
    let error = try #require(throws: AzureError.self) { try read(server) }
    #expect(error.description.contains("409 BlobArchived"))
    #expect(error.hint?.contains("archive tier") == true)
  }

  @Test func `U12: ends at once when the run must stop`() throws {
    let server = ScriptedServer { _ in [.hold] }
    let store = try TestStore(server, stopReason: { .terminated })
    var reader = store.container.read(
      store.blob, ifMatch: try #require(ETag("0x1")), size: 5000, rangeSize: 1000,
      rangesInFlight: 3)
    var caught: AzureError?
    do throws(AzureError) { _ = try reader.next() } catch { caught = error }
    #expect(caught?.stopReason == .terminated)
  }
}
