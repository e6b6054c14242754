// A key that was rotated in the middle of a run: it is read again once, however many requests were refused.

@testable import Azure
import HTTP
import TestSupport
import Testing

@Suite struct `A stored credential` {
  private static let other = "b3RoZXIta2V5LW9mLXRoZS1hY2NvdW50"

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
    let requests = Counter()
    // The accounts' names tell the server which of the two credentials signed.
    let server = ScriptedServer { request in
      let isOld = request["authorization"]?.hasPrefix("SharedKey \(TestStore.account):") == true
      return requests.next() > 1 && isOld
        ? .refusal(403, "AuthenticationFailed") : .stored(request)
    }
    let other = StorageCredential(try #require(AccountKey(Self.other)), of: "other")
    let credential = try TestStore.accountKey().readAgain {
      _ = reads.next()
      return other
    }
    let store = try TestStore(server, credential: credential)
    try store.container.stageBlock(at: store.blob, runID: TestStore.runID)
    try store.stage(testBytes(12_000), blocksInFlight: 6)
    #expect(reads.count == 1)
    #expect((14...19).contains(server.requests.count))
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
