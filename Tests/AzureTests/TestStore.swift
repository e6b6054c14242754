// A container whose store is a scripted server, with a clock and a randomness that tests know.

import Azure
import AzureTestSupport
import Digests
import HTTP
import Synchronization
import TestSupport
import Testing

struct TestStore {
  /// The emulators' public key.
  static let key =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
  static let account = "devstoreaccount1"
  /// 2025-03-01T02:03:04Z; one second passes with every look at the clock.
  static let start = 1_740_794_584
  static let runID = RunID(0x0123_4567_89ab_cdef)

  let transport: Transport
  let container: BlobContainer
  let blob: BlobName
  /// Where the server sees the blob.
  static let blobPath = "/devstoreaccount1/backups/prod/one"

  init(
    _ server: ScriptedServer, attempts: Int = 4, stall: Duration = .seconds(10),
    credential: StorageCredential? = nil, stopReason: @escaping () -> StopReason? = { nil },
    credentialOver makeCredential: ((Transport) -> StorageCredential)? = nil
  ) throws {
    let endpoint = try StorageEndpoint(
      account: Self.account, url: ServerURL(service: "\(server.url)/\(Self.account)"))
    var connection = Connection()
    connection.timeouts.stall = stall
    var policy = RetryPolicy(
      maximumAttempts: attempts, firstDelay: .milliseconds(20), longestDelay: .milliseconds(100))
    policy.longestRetryAfter = .seconds(5)
    var now = Self.start
    var drawn: UInt64 = 0
    transport = Transport(stopReason: stopReason)
    container = BlobContainer(
      try ContainerName("backups"), of: endpoint,
      credential: try makeCredential?(transport) ?? credential ?? Self.accountKey(),
      transport: transport, connection: connection, retryPolicy: policy,
      clock: {
        now += 1
        return now
      },
      random: {
        drawn += 1
        return drawn
      })
    blob = try BlobName("prod/one")
  }

  static func accountKey() throws -> StorageCredential {
    StorageCredential(try #require(AccountKey(key)), of: account)
  }

  func startUpload(blockSize: Int = 1000, blocksInFlight: Int = 1) -> BlockUpload {
    container.startUpload(
      named: blob, runID: Self.runID, blockSize: blockSize, blocksInFlight: blocksInFlight)
  }

  /// An upload of these bytes, all blocks stored.
  @discardableResult func stage(
    _ bytes: [UInt8], blockSize: Int = 1000, blocksInFlight: Int = 1
  ) throws -> BlockUpload {
    var upload = startUpload(blockSize: blockSize, blocksInFlight: blocksInFlight)
    try upload.append(bytes)
    try upload.finishBlocks()
    return upload
  }
}

/// Counts from 1, for servers that answer differently each time.
final class Counter: Sendable {
  private let value = Atomic(0)

  var count: Int { value.load(ordering: .sequentiallyConsistent) }

  func next() -> Int { value.add(1, ordering: .sequentiallyConsistent).newValue }
}

extension BlockUpload {
  mutating func append(_ bytes: [UInt8]) throws {
    try unsafe append(bytes.span.bytes)
  }
}

/// Bytes that repeat at no block size used here.
func testBytes(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

func checksum(of bytes: [UInt8]) -> String {
  var running = CRC64()
  unsafe running.update(bytes.span.bytes)
  return running.headerValue
}

// MARK: - What a store answers

extension ScriptedServer.Reply {
  /// The 201 of a Put Block.
  static func stored(_ request: RecordedRequest) -> Self {
    .response(
      201,
      headers: ["x-ms-content-crc64": checksum(of: request.body), "x-ms-request-id": "r-stored"])
  }

  /// The 201 of a Put Block List.
  static var committed: Self {
    .response(201, headers: ["ETag": "\"0x1\"", "Last-Modified": "Sat, 01 Mar 2025 02:03:04 GMT"])
  }

  /// The 200 of Get Blob Properties: a head that promises `size` bytes, as HEAD has no body.
  static func properties(
    size: Int, runID: String = "0123456789abcdef", etag: String = "\"0x1\"",
    more: String = ""
  ) -> Self {
    [
      .send(
        "HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\nETag: \(etag)\r\n"
          + "Last-Modified: Sat, 01 Mar 2025 02:03:04 GMT\r\nX-Ms-Meta-RunId: \(runID)\r\n"
          + "Content-Type: application/octet-stream\r\n\(more)\r\n")
    ]
  }

  static func refusal(
    _ status: Int, _ code: String, message: String = "No.", detail: String? = nil,
    headers: KeyValuePairs<String, String> = ["x-ms-request-id": "r-1"]
  ) -> Self {
    let extra = detail.map { "<AuthenticationErrorDetail>\($0)</AuthenticationErrorDetail>" } ?? ""
    return .response(
      status, headers: headers,
      text: "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>\(code)</Code>"
        + "<Message>\(message)\nRequestId:r-1\nTime:2025-03-01T02:03:04Z</Message>\(extra)</Error>")
  }

  static let absent: Self = .response(
    404, headers: ["x-ms-error-code": "BlobNotFound", "x-ms-request-id": "r-1"])
}

// MARK: - What a store is asked

extension RecordedRequest {
  enum Kind: Equatable {
    case putBlock, putBlockList, getBlockList, properties, list, delete, read, other
  }

  var kind: Kind {
    switch (method, target.contains("comp=")) {
    case ("PUT", _) where query.contains("comp=blocklist"): .putBlockList
    case ("PUT", _) where query.contains("comp=block&"): .putBlock
    case ("GET", _) where query.contains("comp=blocklist"): .getBlockList
    case ("GET", _) where query.contains("comp=list"): .list
    case ("GET", false): .read
    case ("HEAD", _): .properties
    case ("DELETE", _): .delete
    default: .other
    }
  }

  /// Whether its signature is right for what actually arrived.
  var isRightlySigned: Bool {
    AccountKey(TestStore.key).map { isSigned(by: $0, of: TestStore.account) } ?? false
  }
}
