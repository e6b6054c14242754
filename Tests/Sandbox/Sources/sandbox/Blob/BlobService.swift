// The blob service: which operation a request means, who may ask, and how errors are answered.

import Foundation

/// The operations the sandbox knows; everything else is refused, never pretended.
enum BlobOperation: String, Sendable {
  case getAccount = "GetAccountInformation"
  case createContainer = "CreateContainer"
  case getContainer = "GetContainer"
  case listContainers = "ListContainers"
  case listBlobs = "ListBlobs"
  case putBlob = "PutBlob"
  case putBlock = "PutBlock"
  case putBlockList = "PutBlockList"
  case getBlockList = "GetBlockList"
  case getBlob = "GetBlob"
  case headBlob = "HeadBlob"
  case deleteBlob = "DeleteBlob"
  case setBlobTier = "SetBlobTier"

  init?(method: String, target: BlobTarget) {
    let level = target.blob != nil ? "blob" : target.container != nil ? "container" : "account"
    switch (method, level, target["restype"], target["comp"]) {
    case ("GET", _, "account", "properties"), ("HEAD", _, "account", "properties"):
      self = .getAccount
    case ("GET", "account", nil, "list"): self = .listContainers
    case ("PUT", "container", "container", nil): self = .createContainer
    case ("GET", "container", "container", nil), ("HEAD", "container", "container", nil):
      self = .getContainer
    case ("GET", "container", "container", "list"): self = .listBlobs
    case ("PUT", "blob", nil, nil): self = .putBlob
    case ("PUT", "blob", nil, "block"): self = .putBlock
    case ("PUT", "blob", nil, "blocklist"): self = .putBlockList
    case ("GET", "blob", nil, "blocklist"): self = .getBlockList
    case ("GET", "blob", nil, nil): self = .getBlob
    case ("HEAD", "blob", nil, nil): self = .headBlob
    case ("DELETE", "blob", nil, nil): self = .deleteBlob
    case ("PUT", "blob", nil, "tier"): self = .setBlobTier
    default: return nil
    }
  }

  /// Query parameters besides `restype`, `comp` and `timeout`.
  var parameters: Set<String> {
    switch self {
    case .listContainers: ["prefix", "marker", "maxresults", "include"]
    case .listBlobs: ["prefix", "marker", "maxresults", "delimiter", "include"]
    case .putBlock: ["blockid"]
    case .getBlockList: ["blocklisttype"]
    default: []
    }
  }

  /// `x-ms-` headers besides the ones every request may have.
  var headers: Set<String> {
    switch self {
    case .putBlob:
      Self.contentHeaders.union(["x-ms-blob-type", "x-ms-content-crc64", "x-ms-access-tier"])
    case .putBlock: ["x-ms-content-crc64"]
    case .putBlockList:
      Self.contentHeaders.union(["x-ms-content-crc64", "x-ms-access-tier"]).union(
        Immutability.headers)
    case .getBlob: ["x-ms-range", "x-ms-range-get-content-md5", "x-ms-range-get-content-crc64"]
    case .deleteBlob: ["x-ms-delete-snapshots"]
    case .setBlobTier: ["x-ms-access-tier", "x-ms-rehydrate-priority"]
    default: []
    }
  }

  var allowsMetadata: Bool { self == .createContainer || self == .putBlob || self == .putBlockList }

  private static let contentHeaders: Set<String> = [
    "x-ms-blob-content-type", "x-ms-blob-content-encoding", "x-ms-blob-content-language",
    "x-ms-blob-content-md5", "x-ms-blob-cache-control", "x-ms-blob-content-disposition",
  ]
}

/// Serves one storage account's blobs.
struct BlobService: Service {
  let key: SharedKey
  let store: BlobStore
  /// Whether the requests come over TLS.
  var isEncrypted = false
  /// `identities.json` and `account-keys.json`.
  let identities: String
  let accountKeys: String

  let name = "blob"

  func operation(of call: Call) -> String {
    // Whatever is wrong with the URL is answered later; here it only lacks a name.
    guard let target = try? BlobTarget(call, account: key.account) else { return "Unknown" }
    return BlobOperation(method: call.method, target: target)?.rawValue ?? "Unknown"
  }

  func answer(_ call: Call, body: inout IncomingBody, fault: FaultAction?) throws -> Answer {
    let target = try BlobTarget(call, account: key.account)
    try checkVersion(call)
    let operation = BlobOperation(method: call.method, target: target)
    let needsImmutability =
      operation == .putBlockList && Immutability.headers.contains { call[$0] != nil }
    try authenticate(call, target, operation, needsImmutability: needsImmutability)
    guard let operation else {
      throw try unknown(call, target)
    }
    try checkNames(target)
    try check(call, target, operation)
    var answer = try perform(operation, call, target, &body, fault)
    decorate(&answer, call)
    return answer
  }

  private func authenticate(
    _ call: Call, _ target: BlobTarget, _ operation: BlobOperation?, needsImmutability: Bool
  ) throws {
    let bearer = try BearerAccess(
      call, key: key, identities: identities, isEncrypted: isEncrypted, now: .now)
    if let bearer, try SharedAccess(target, key: key) == nil {
      try bearer.verify(operation, target)
      guard !needsImmutability || bearer.isSuperUser(of: target) else {
        throw BlobError.permissionMismatch
      }
      return
    }
    let keys = try key.accepted(in: accountKeys)
    for key in keys.dropFirst()
    where (try? authenticate(call, target, operation, key, needsImmutability)) != nil {
      return
    }
    try authenticate(call, target, operation, keys[0], needsImmutability)
  }

  private func authenticate(
    _ call: Call, _ target: BlobTarget, _ operation: BlobOperation?, _ key: SharedKey,
    _ needsImmutability: Bool
  ) throws {
    guard let access = try SharedAccess(target, key: key) else {
      return try key.verify(call, target, now: .now)
    }
    guard call["Authorization"] == nil else {
      throw BlobError.authenticationFailed("A signature in the query and an Authorization header.")
    }
    try access.verify(operation, target, isEncrypted: isEncrypted, now: .now)
    guard !needsImmutability || access.allowsImmutability else {
      throw BlobError.permissionMismatch
    }
  }

  private func perform(
    _ operation: BlobOperation, _ call: Call, _ target: BlobTarget, _ body: inout IncomingBody,
    _ fault: FaultAction?
  ) throws -> Answer {
    let place = BlobPlace(container: target.container ?? "", blob: target.blob ?? "")
    switch operation {
    case .getAccount: return try getAccount()
    case .createContainer: return try createContainer(call, place)
    case .getContainer: return try getContainer(call, place)
    case .listContainers: return try listContainers(call, target)
    case .listBlobs: return try listBlobs(call, target, fault)
    case .putBlob: return try putBlob(call, place, &body, fault)
    case .putBlock: return try putBlock(call, target, place, &body, fault)
    case .putBlockList: return try putBlockList(call, place, &body, fault)
    case .getBlockList: return try getBlockList(target, place)
    case .getBlob: return try getBlob(call, place)
    case .headBlob: return try headBlob(call, place)
    case .deleteBlob: return try deleteBlob(call, place)
    case .setBlobTier: return try setBlobTier(call, place)
    }
  }
}

/// A container and a blob in it.
struct BlobPlace: Sendable {
  let container: String
  let blob: String
}

// Checks that every request goes through.
extension BlobService {
  /// The service versions since 2019-02-02, when `x-ms-content-crc64` came.
  private static let versions: Set<String> = [
    "2019-02-02", "2019-07-07", "2019-10-10", "2019-12-12", "2020-02-10", "2020-04-08",
    "2020-06-12", "2020-08-04", "2020-10-02", "2020-12-06", "2021-02-12", "2021-04-10",
    "2021-06-08", "2021-08-06", "2021-10-04", "2021-12-02", "2022-11-02", "2023-01-03",
    "2023-05-03", "2023-08-03", "2023-11-03", "2024-02-04", "2024-05-04", "2024-08-04",
    "2024-11-04", "2025-01-05", "2025-05-05", "2025-07-05", "2025-11-05", "2026-02-06",
    "2026-04-06", "2026-06-06", "2026-10-06",
  ]

  private static let commonHeaders: Set<String> = [
    "x-ms-version", "x-ms-date", "x-ms-client-request-id", "x-ms-return-client-request-id",
  ]

  private func checkVersion(_ call: Call) throws(BlobError) {
    guard let version = call["x-ms-version"] else { throw .missingHeader("x-ms-version") }
    guard Self.versions.contains(version) else { throw .invalidHeader("x-ms-version", version) }
  }

  private func checkNames(_ target: BlobTarget) throws(BlobError) {
    if let container = target.container { try BlobNames.checkContainer(container) }
    if let blob = target.blob { try BlobNames.checkBlob(blob) }
  }

  private func check(_ call: Call, _ target: BlobTarget, _ operation: BlobOperation)
    throws(BlobError)
  {
    let known = operation.parameters.union(["restype", "comp", "timeout"])
    let isSigned = target["sig"] != nil
    for parameter in target.query
    where !known.contains(parameter.name)
      && !(isSigned && SharedAccess.names.contains(parameter.name))
    {
      throw .unsupportedQuery(parameter.name)
    }
    if let timeout = target["timeout"], (Int(timeout) ?? 0) < 1 {
      throw .invalidQuery("timeout", timeout, "Not a number of seconds.")
    }
    for field in call.headers.fields {
      let name = field.key
      guard name.hasPrefix("x-ms-"), !Self.commonHeaders.contains(name),
        !operation.headers.contains(name)
      else { continue }
      if name == "x-ms-lease-id" { throw .leaseNotPresent }
      guard operation.allowsMetadata && name.hasPrefix("x-ms-meta-") else {
        throw .unsupportedHeader(name)
      }
    }
    if let id = call["x-ms-client-request-id"], id.utf8.count > 1024 {
      throw .invalidHeader("x-ms-client-request-id", id)
    }
    if call.method == "PUT", call.isChunked || call.contentLength == nil { throw .missingLength }
  }

  private func unknown(_ call: Call, _ target: BlobTarget) throws(BlobError) -> BlobError {
    if target.container == nil && target["comp"] != "list" { return .invalidURI }
    if let comp = target["comp"] {
      return .invalidQuery("comp", comp, "Not an operation of this sandbox.")
    }
    if let type = target["restype"] {
      return .invalidQuery("restype", type, "Not an operation of this sandbox.")
    }
    return .unsupportedVerb
  }
}

// Heads and errors.
extension BlobService {
  private func decorate(_ answer: inout Answer, _ call: Call) {
    answer["x-ms-request-id"] = UUID().uuidString.lowercased()
    answer["x-ms-version"] = call["x-ms-version"] ?? "2019-02-02"
    answer["Server"] = "Windows-Azure-Blob/1.0"
    answer["x-ms-client-request-id"] = call["x-ms-client-request-id"]
  }

  func refusal(_ error: any Error, of call: Call) -> Answer {
    let error = error as? BlobError ?? .internalError("\(error)")
    return answer(error, to: call)
  }

  func scripted(_ fault: FaultAction, for call: Call) -> Answer {
    let status = fault.status ?? 500
    var answer = answer(
      BlobError(
        status, fault.code ?? (status == 403 ? "AuthorizationFailure" : "InternalError"),
        fault.message ?? "A scripted fault."),
      to: call)
    if let body = fault.body {
      // As a proxy in between would answer: nothing of the service's own.
      answer = Answer(status, [("Content-Type", "text/html")], body: .bytes(Array(body.utf8)))
      answer["x-ms-error-code"] = fault.code
    }
    answer["Retry-After"] = fault.retryAfter
    return answer
  }

  private func answer(_ error: BlobError, to call: Call) -> Answer {
    var answer = Answer(error.status, [("x-ms-error-code", error.code)])
    answer.reason = error.code
    decorate(&answer, call)
    if error.status == 401 {
      // Without any identities the account belongs to no tenant that matters.
      let known = (try? Identities(file: identities))?.accountTenant ?? ""
      let tenant = known.isEmpty ? "00000000-0000-0000-0000-000000000000" : known
      answer["WWW-Authenticate"] =
        "Bearer authorization_uri=https://login.microsoftonline.com/\(tenant)/oauth2/authorize "
        + "resource_id=https://storage.azure.com"
    }
    guard call.method != "HEAD", error.status != 304 else { return answer }
    let message =
      "\(error.message)\nRequestId:\(answer["x-ms-request-id"] ?? "")\nTime:\(Timestamp.now)"
    let details = error.details.map { XML.element($0.name, $0.value) }.joined()
    let document =
      XML.byteOrderMark + XML.declaration + "<Error>" + XML.element("Code", error.code)
      + XML.element("Message", message) + details + "</Error>"
    answer["Content-Type"] = "application/xml"
    answer.body = .bytes(Array(document.utf8))
    return answer
  }
}
