// Everything a run talks to, played by one scripted server, which so sees the order of all requests.

import Azure
import AzureTestSupport
import Backup
import Digests
import Foundation
import HTTP
import Synchronization
import TestSupport
import Testing

/// A Kubernetes API, a store and an etcd member that do what is asked of them, within the little
/// that one run asks; a test changes the responses that it is about.
///
/// The store is no kinder than Azure: it refuses a request that is not rightly signed, a block whose
/// checksum is missing or wrong, a commit of blocks that it does not have or over another blob, and a
/// deletion without the blob's ETag.
final class ScriptedWorld {
  /// The answer to one kind of request; `nil` is the usual one.
  typealias Handler = @Sendable (_ call: Call) -> ScriptedServer.Reply?

  enum Call: Equatable {
    case readSecret, readRecord, writeRecord, noteBreak
    case probeContainer, putBlock, commit, checkBlob, checkBlocks, list
    case delete(String)
    case status, revision, snapshot
    case unknown(String)
  }

  let server: ScriptedServer
  let log = LogCollector()
  private let state: State
  private let folder = FileManager.default.temporaryDirectory.appending(path: "world-\(UUID())")
  private let kubeconfig: String

  /// `oldBackups` are in the container already, thirty days old; each block is acknowledged after
  /// `blockDelay`. Listings lack what `omitted` names: `Date` or `Metadata`.
  init(
    oldBackups: [String] = [], record: [String: String] = [:],
    snapshot: ScriptedServer.Reply = .snapshot(GatewayStream(of: SnapshotFixture.database)),
    blockDelay: Duration = .zero, listingWithout omitted: String = "",
    answering handler: @escaping Handler = { _ in nil }
  ) throws {
    let state = State(oldBackups: oldBackups, record: record, omitted: omitted)
    self.state = state
    server = ScriptedServer { request in
      let call = Call(request)
      if let reply = handler(call) { return reply }
      if call == .snapshot { return snapshot }
      if let refusal = StoreRules.refusal(of: request) { return refusal }
      let reply = state.answer(call, request)
      return call == .putBlock && blockDelay > .zero
        ? ScriptedServer.Reply([.pause(blockDelay)] + reply.actions) : reply
    }
    kubeconfig = folder.appending(path: "config").path
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let text = """
      {"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c"}}],
      "clusters": [{"name": "c", "cluster": {"server": "\(server.url)"}}]}
      """
    try Data(text.utf8).write(to: URL(filePath: kubeconfig))
  }

  deinit {
    // What cannot be removed, the operating system removes some day.
    try? FileManager.default.removeItem(at: folder)
  }

  func run(
    _ changes: [String: String] = [:], progressBar: ProgressBar? = nil,
    isTerminated: @escaping () -> Bool = { false }
  ) throws -> RunResult {
    let environment = [
      "APP_WORKING_NAMESPACE": "kyma-system",
      "APP_KUBECONFIG_PATH": kubeconfig,
      "APP_BACKUP_ETCD_ENDPOINTS": server.url,
      "APP_ABS_CONTAINER_NAME": "backups",
      "APP_ABS_SECRET_NAME": "credentials",
      "APP_ABS_ENDPOINT": "\(server.url)/devstoreaccount1",
      "APP_BLOB_PREFIX": "prod",
      "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING": "record",
      "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "1",
      "APP_CLEANER_EXPIRATION_BLOB_TIME": "72h",
    ].merging(changes) { $1 }
    let configuration = try Configuration(environment: environment) { _ in [] }
    return BackupRun(
      configuration, environment: environment,
      deadline: RunDeadline(timeout: configuration.timeout, isTerminated: isTerminated),
      log: log.logger(.json), progressBar: progressBar
    ).run()
  }

  // MARK: What came of it

  /// Everything that was asked, in order.
  var calls: [Call] { server.requests.map(Call.init) }

  /// Names of the blobs that can be seen.
  var blobs: [String] { state.blobs }

  /// What the ConfigMap holds.
  var record: [String: String] { state.record }

  /// What the ConfigMap of a break holds, for the alert.
  var noted: [String: String] { state.noted }

  /// What the run's log is made of.
  var messages: [String] {
    log.writes.compactMap { line in
      let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return object?["msg"] as? String
    }
  }
}

extension ScriptedWorld.Call {
  init(_ request: RecordedRequest) {
    let isBlob = request.path.split(separator: "/").count > 2
    self =
      switch (request.method, request.path, request.query) {
      case ("GET", "/api/v1/namespaces/kyma-system/secrets/credentials", _): .readSecret
      case ("GET", "/api/v1/namespaces/kyma-system/configmaps/record", _): .readRecord
      case ("PATCH", "/api/v1/namespaces/kyma-system/configmaps/record", _): .writeRecord
      case ("PATCH", "/api/v1/namespaces/kyma-system/configmaps/record-history-broke", _):
        .noteBreak
      case ("POST", "/v3/maintenance/status", _): .status
      case ("POST", "/v3/kv/range", _): .revision
      case ("POST", "/v3/maintenance/snapshot", _): .snapshot
      case ("PUT", _, let query) where query.hasPrefix("comp=blocklist"): .commit
      case ("PUT", _, let query) where query.hasPrefix("comp=block"): .putBlock
      case ("GET", _, let query) where query.hasPrefix("comp=blocklist"): .checkBlocks
      case ("GET", _, let query) where query.hasSuffix("maxresults=1"): .probeContainer
      case ("GET", _, let query) where query.contains("comp=list"): .list
      case ("HEAD", _, _) where isBlob, ("GET", _, "") where isBlob: .checkBlob
      case ("DELETE", let path, _): .delete(String(path.dropFirst("/devstoreaccount1/".count)))
      default: .unknown("\(request.method) \(request.target)")
      }
  }
}

/// What the store and the ConfigMap hold.
private final class State: Sendable {
  struct Blob {
    var size: Int
    var lastModified: String
    var metadata: [(name: String, value: String)] = []
    var blocks: [(id: String, size: Int)] = []
  }

  struct Contents {
    var staged: [String: Int] = [:]
    var blobs: [String: Blob] = [:]
    var record = ["other-key": "untouched"]
    var noted: [String: String] = [:]
    var omitted = ""
  }

  private let contents: Mutex<Contents>

  init(oldBackups: [String], record: [String: String], omitted: String) {
    var contents = Contents()
    contents.omitted = omitted
    contents.record.merge(record) { $1 }
    let date = HTTPDate.format(Timestamp.secondsNow() - 30 * 86_400)
    for name in oldBackups { contents.blobs[name] = Blob(size: 20_512, lastModified: date) }
    self.contents = Mutex(contents)
  }

  var blobs: [String] { contents.withLock { $0.blobs.keys.sorted() } }
  var record: [String: String] { contents.withLock { $0.record } }
  var noted: [String: String] { contents.withLock { $0.noted } }

  func answer(_ call: ScriptedWorld.Call, _ request: RecordedRequest) -> ScriptedServer.Reply {
    contents.withLock { contents in
      switch call {
      case .readSecret: return Self.object(Self.secret)
      case .readRecord: return Self.object(contents.record)
      case .writeRecord: return contents.patch(request, \.record)
      case .noteBreak: return contents.patch(request, \.noted)
      case .probeContainer: return contents.list()
      case .putBlock: return contents.stage(request)
      case .commit: return contents.commit(request)
      case .checkBlob: return contents.properties(of: request)
      case .checkBlocks: return contents.blocks(of: request)
      case .list: return contents.list()
      case .delete: return contents.delete(request)
      case .status: return .response(200, json: Self.status)
      case .revision: return .response(200, json: #"{"header":{"revision":"6"}}"#)
      case .snapshot, .unknown: return .response(500, text: "nobody asks this of the world")
      }
    }
  }

  private static let status = """
    {"header":{"cluster_id":"7","member_id":"9","revision":"6","raft_term":"2"},\
    "version":"3.4.23","dbSize":"20480","leader":"9","raftIndex":"12","raftTerm":"2",\
    "raftAppliedIndex":"12"}
    """

  private static let secret = [
    "storage-account": "devstoreaccount1",
    "storage-key": StoreRules.key,
  ].mapValues { Data($0.utf8).base64EncodedString() }

  fileprivate static func object(_ data: [String: String]) -> ScriptedServer.Reply {
    guard let object = try? JSONEncoder().encode(["data": data]) else {
      preconditionFailure("texts can always be written as JSON")
    }
    return .response(200, json: String(decoding: object, as: UTF8.self))
  }
}

extension State.Contents {
  private static func blobName(_ request: RecordedRequest) -> String {
    String(request.path.dropFirst("/devstoreaccount1/backups/".count))
  }

  fileprivate mutating func patch(
    _ request: RecordedRequest, _ configMap: WritableKeyPath<Self, [String: String]>
  ) -> ScriptedServer.Reply {
    struct Patch: Decodable { let data: [String: String] }
    guard let patch = try? JSONDecoder().decode(Patch.self, from: Data(request.body)) else {
      return .response(400, text: "not a patch")
    }
    self[keyPath: configMap].merge(patch.data) { $1 }
    return State.object(self[keyPath: configMap])
  }

  mutating func stage(_ request: RecordedRequest) -> ScriptedServer.Reply {
    let id = request.query.split(separator: "blockid=").last.map { String($0) } ?? ""
    staged[PercentEncoding.decode(id) ?? id] = request.body.count
    return .response(201)
  }

  mutating func commit(_ request: RecordedRequest) -> ScriptedServer.Reply {
    let ids = request.bodyText.split(separator: "<Uncommitted>").dropFirst()
      .map { String($0.prefix { $0 != "<" }) }
    let blocks = ids.compactMap { id in staged[id].map { (id: id, size: $0) } }
    guard blocks.count == ids.count else { return StoreRules.refused(400, "InvalidBlockList") }
    guard request["if-none-match"] == "*" else {
      return StoreRules.refused(400, "MissingRequiredHeader")
    }
    guard blobs[Self.blobName(request)] == nil else {
      return StoreRules.refused(409, "BlobAlreadyExists")
    }
    blobs[Self.blobName(request)] = State.Blob(
      size: blocks.reduce(0) { $0 + $1.size },
      lastModified: HTTPDate.format(Timestamp.secondsNow()),
      metadata: request.headers.filter { $0.name.hasPrefix("x-ms-meta-") }
        .map { ($0.name, $0.value) },
      blocks: blocks)
    return .response(201, headers: ["ETag": "\"0x2\""])
  }

  mutating func delete(_ request: RecordedRequest) -> ScriptedServer.Reply {
    guard request["if-match"] == "\"0x2\"" else {
      return StoreRules.refused(412, "ConditionNotMet")
    }
    return blobs.removeValue(forKey: Self.blobName(request)) == nil
      ? StoreRules.refused(404, "BlobNotFound") : .response(202)
  }

  func properties(of request: RecordedRequest) -> ScriptedServer.Reply {
    guard let blob = blobs[Self.blobName(request)] else { return .response(404) }
    var head = "HTTP/1.1 200 OK\r\nContent-Length: \(blob.size)\r\nETag: \"0x2\"\r\n"
    head += "Last-Modified: \(blob.lastModified)\r\n"
    for (name, value) in blob.metadata { head += "\(name): \(value)\r\n" }
    return [.send("\(head)\r\n")]
  }

  func blocks(of request: RecordedRequest) -> ScriptedServer.Reply {
    let blocks = (blobs[Self.blobName(request)]?.blocks ?? []).map {
      "<Block><Name>\($0.id)</Name><Size>\($0.size)</Size></Block>"
    }
    return .response(
      200, xml: "<BlockList><CommittedBlocks>\(blocks.joined())</CommittedBlocks></BlockList>")
  }

  func list() -> ScriptedServer.Reply {
    let entries = blobs.sorted { $0.key < $1.key }.map { name, blob in
      let metadata = blob.metadata.map { field in
        let name = field.name.dropFirst("x-ms-meta-".count)
        return "<\(name)>\(field.value)</\(name)>"
      }
      return
        "<Blob><Name>\(name)</Name><Properties><Last-Modified>\(blob.lastModified)</Last-Modified>"
        + "<Etag>0x2</Etag><Content-Length>\(blob.size)</Content-Length></Properties>"
        + (omitted == "Metadata" ? "" : "<Metadata>\(metadata.joined())</Metadata>") + "</Blob>"
    }
    return .response(
      200, headers: omitted == "Date" ? [:] : ["Date": HTTPDate.format(Timestamp.secondsNow())],
      text: "<EnumerationResults><Blobs>\(entries.joined())</Blobs><NextMarker/>"
        + "</EnumerationResults>")
  }
}

/// What the store demands of every request.
private enum StoreRules {
  static let account = "devstoreaccount1"
  static let key = Data(repeating: 7, count: 64).base64EncodedString()

  static func refusal(of request: RecordedRequest) -> ScriptedServer.Reply? {
    guard request.path.hasPrefix("/\(account)/") else { return nil }
    guard AccountKey(key).map({ request.isSigned(by: $0, of: account) }) == true else {
      return refused(403, "AuthenticationFailed")
    }
    guard ScriptedWorld.Call(request) == .putBlock else { return nil }
    var checksum = CRC64()
    unsafe checksum.update(request.body.span.bytes)
    return request["x-ms-content-crc64"] == checksum.headerValue
      ? nil : refused(400, "Crc64Mismatch")
  }

  static func refused(_ status: Int, _ code: String) -> ScriptedServer.Reply {
    .response(status, headers: ["x-ms-error-code": code, "x-ms-request-id": "r-1"], text: "")
  }
}
