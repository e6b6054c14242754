// What a container tells about itself and its blobs, and how a blob is deleted.

internal import HTTP

package struct ContainerProperties: Equatable, Sendable {
  package let hasImmutabilityPolicy: Bool
  package let hasLegalHold: Bool
  /// Whether its blobs can have policies of their own; `nil` where the store does not say.
  package let hasVersionLevelImmutability: Bool?
}

package struct BlobProperties: Equatable, Sendable {
  /// In bytes.
  package let size: Int
  package let etag: ETag
  /// Seconds since 1970.
  package let lastModified: Int
  /// `Hot`, `Cool`, `Cold` or `Archive`, where the account has tiers.
  package let accessTier: String?
  /// `rehydrate-pending-to-hot` and the like, while a blob is on its way out of the archive.
  package let archiveStatus: String?
  /// The end of its immutability policy, in seconds since 1970; `nil` without one.
  package let immutableUntil: Int?
  /// `unlocked` or `locked`.
  package let immutabilityMode: String?
  package let metadata: BlobMetadata
}

package struct CommittedBlock: Hashable, Sendable {
  package let id: BlockID
  /// In bytes.
  package let size: Int
}

package enum DeleteOutcome: Equatable, Sendable {
  case deleted
  case alreadyGone
  /// A retention policy, a legal hold or a lease protects the blob.
  case protected
  /// It is not the version that was to be deleted.
  case changed
}

extension BlobContainer {
  /// What protects the container's blobs; `nil` where the credential may not ask, as a SAS for the
  /// container may not.
  package func properties() throws(AzureError) -> ContainerProperties? {
    let request = StorageRequest(
      .getContainerProperties, path: path, query: [("restype", "container")])
    let response: Response
    do {
      response = try send(request)
    } catch {
      if case .refused(let refusal, _) = error, refusal.status == 403 { return nil }
      throw error
    }
    return ContainerProperties(
      hasImmutabilityPolicy: response.headers["x-ms-has-immutability-policy"] == "true",
      hasLegalHold: response.headers["x-ms-has-legal-hold"] == "true",
      hasVersionLevelImmutability:
        response.headers["x-ms-immutable-storage-with-versioning-enabled"].map { $0 == "true" })
  }

  /// What the store says about a committed blob; `nil` where there is none.
  package func properties(of blob: BlobName) throws(AzureError) -> BlobProperties? {
    let request = StorageRequest(.getBlobProperties, path: path(of: blob))
    let response: Response
    do {
      response = try send(request)
    } catch {
      if error.isAbsentBlob { return nil }
      throw error
    }
    let headers = response.headers
    guard let size = headers["content-length"].flatMap({ Int($0) }), size >= 0,
      let etag = headers["etag"].flatMap({ ETag($0) }),
      let lastModified = headers["last-modified"].flatMap(HTTPDate.parse)
    else {
      throw .unreadable(
        request.operation, url: url(of: request), reason: "it lacks length, ETag or date")
    }
    return BlobProperties(
      size: size, etag: etag, lastModified: lastModified,
      accessTier: headers["x-ms-access-tier"], archiveStatus: headers["x-ms-archive-status"],
      immutableUntil: headers["x-ms-immutability-policy-until-date"].flatMap(HTTPDate.parse),
      immutabilityMode: headers["x-ms-immutability-policy-mode"],
      metadata: BlobMetadata(response: headers))
  }

  /// The blocks that a blob is made of, in their order.
  package func committedBlocks(of blob: BlobName) throws(AzureError) -> [CommittedBlock] {
    let request = StorageRequest(
      .getBlockList, path: path(of: blob),
      query: [("comp", "blocklist"), ("blocklisttype", "committed")])
    let response = try send(request)
    do {
      return try CommittedBlock.list(from: response.body)
    } catch {
      throw .unreadable(request.operation, url: url(of: request), reason: error.description)
    }
  }

  /// Deletes a blob and its snapshots; with `etag` only where that is still its version.
  package func delete(_ blob: BlobName, ifMatch etag: ETag? = nil) throws(AzureError)
    -> DeleteOutcome
  {
    var request = StorageRequest(.deleteBlob, path: path(of: blob))
    request.headers["x-ms-delete-snapshots"] = "include"
    request.headers["If-Match"] = etag?.quoted
    do {
      _ = try send(request)
      return .deleted
    } catch {
      if error.isAbsentBlob { return .alreadyGone }
      if etag != nil, error.errorClass == .conditionNotMet { return .changed }
      if error.errorClass == .protected { return .protected }
      throw error
    }
  }
}

extension AzureError {
  /// An answer to HEAD may come without a code; a missing container always has one.
  fileprivate var isAbsentBlob: Bool {
    guard case .refused(let error, _) = self, error.status == 404 else { return false }
    return error.errorClass == .absent || error.code == nil && error.requestID != nil
  }
}

extension CommittedBlock {
  /// Reads `<BlockList><CommittedBlocks><Block><Name/><Size/></Block>…`.
  package static func list(from document: [UInt8]) throws(XMLError) -> [CommittedBlock] {
    var blocks: [CommittedBlock] = []
    var name: String?
    var size: Int?
    var isComplete = true
    var hasRoot = false
    try XMLReader.read(document) { element in
      switch element.path {
      case ["BlockList", "CommittedBlocks", "Block", "Name"]: name = element.text
      case ["BlockList", "CommittedBlocks", "Block", "Size"]: size = Int(element.text)
      case ["BlockList", "CommittedBlocks", "Block"]:
        if let name, let size {
          blocks.append(CommittedBlock(id: BlockID(listed: name), size: size))
        } else {
          isComplete = false
        }
        (name, size) = (nil, nil)
      case ["BlockList"]: hasRoot = true
      default: break
      }
    }
    guard hasRoot else { throw XMLError(description: "it is not a list of blocks") }
    guard isComplete else { throw XMLError(description: "a block lacks its name or size") }
    return blocks
  }
}
