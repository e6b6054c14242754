// A key that was rotated in the middle of a run: it is read again once, however many requests were refused.

@testable import Azure
import HTTP
import TestSupport
import Testing

@Suite struct `A stored credential` {
  private static let other = "b3RoZXIta2V5LW9mLXRoZS1hY2NvdW50"

  /// Accepts `accepted` requests, then refuses what the first key signed; the first key's
  /// signatures are those of requests that arrived before `reads` counted.
  private static func server(refusing refuses: @escaping @Sendable (Int) -> Bool) -> ScriptedServer
  {
    let requests = Counter()
    return ScriptedServer { request in
      refuses(requests.next()) ? .refusal(403, "AuthenticationFailed") : .stored(request)
    }
  }

  private static func credential(
    reads: Counter, finding key: String?
  ) throws -> StorageCredential {
    let found = try key.map {
      StorageCredential(try #require(AccountKey($0)), of: TestStore.account)
    }
    struct Gone: Error {}
    return try TestStore.accountKey().readAgain {
      _ = reads.next()
      guard let found else { throw Gone() }
      return found
    }
  }

  @Test func `is read again once, although six blocks were refused`() throws {
    let reads = Counter()
    let server = Self.server { (2...7).contains($0) }
    let store = try TestStore(
      server, credential: Self.credential(reads: reads, finding: Self.other))
    var upload = store.startUpload(blocksInFlight: 6)
    try upload.append(testBytes(1000))
    try upload.append(testBytes(11_000))
    try upload.finishBlocks()
    #expect(reads.count == 1)
    #expect(server.requests.count == 12 + 6)
  }

  @Test(arguments: [TestStore.key, nil])
  func `that is the same, or is gone, ends the run`(key: String?) throws {
    let reads = Counter()
    let server = Self.server { $0 >= 2 }
    let store = try TestStore(server, credential: Self.credential(reads: reads, finding: key))
    #expect(throws: AzureError.self) { try store.stage(testBytes(3000)) }
    #expect(reads.count == 1)
  }

  @Test func `that is refused after the rotation as well ends the run`() throws {
    let reads = Counter()
    let server = Self.server { $0 >= 2 }
    let store = try TestStore(
      server, credential: Self.credential(reads: reads, finding: Self.other))
    #expect(throws: AzureError.self) { try store.stage(testBytes(3000)) }
    #expect(reads.count == 1)
  }

  @Test func `that was never accepted is not read again`() throws {
    let reads = Counter()
    let server = Self.server { _ in true }
    let store = try TestStore(
      server, credential: Self.credential(reads: reads, finding: Self.other))
    #expect(throws: AzureError.self) { try store.stage(testBytes(1000)) }
    #expect(reads.count == 0)
  }
}
