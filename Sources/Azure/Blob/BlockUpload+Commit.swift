// The commit: one request that makes all staged blocks a visible blob, or none.

internal import HTTP

extension BlockUpload {
  /// The metadata field by which a run recognises its own blob.
  package static let runIDField = "runid"

  /// Makes the blob visible, never in place of another.
  ///
  /// An answer that leaves the outcome open (lost, late, or a refusal that the first of two
  /// attempts would have caused by succeeding) is resolved by looking: a blob of our length that
  /// has this run's id is this run's; any other is not; if there is none, the commit is retried.
  package consuming func commit(
    metadata: BlobMetadata, options: CommitOptions = CommitOptions()
  ) throws(AzureError) -> BlobReceipt {
    try finishBlocks()
    guard !sizes.isEmpty else { throw .emptyUpload(blob) }

    var metadata = metadata
    metadata[Self.runIDField] = runID.description
    let blocks = sizes.enumerated().map { index, size in
      CommittedBlock(id: BlockID(run: runID, index: index), size: size)
    }
    let request = commitRequest(blocks, metadata, options)
    var attempt = 1
    var before: AzureError?
    while true {
      let failure: AzureError
      do throws(AzureError) {
        let response = try container.sendOnce(request, attempt: attempt)
        let etag = try container.etag(of: response, to: request)
        return receipt(etag, metadata, options, blocks)
      } catch {
        failure = error
      }
      guard failure.leavesCommitOpen || failure.isCredentialReplaced else {
        throw failure.blamed(on: options)
      }
      // A refused credential means that nothing was done.
      if !failure.isCredentialReplaced, let etag = try ownBlobsETag(after: failure) {
        return receipt(etag, metadata, options, blocks)
      }
      guard let delay = container.delay(after: failure, and: before, attempt: attempt) else {
        throw failure
      }
      try container.sleep(for: delay, before: request, after: failure)
      attempt += 1
      before = failure
    }
  }

  /// Looks for the blob: the ETag of ours, `nil` where there is none.
  private borrowing func ownBlobsETag(after failure: AzureError) throws(AzureError) -> ETag? {
    let found: BlobProperties?
    do {
      found = try container.properties(of: blob)
    } catch {
      throw .unresolvedCommit(blob, cause: failure.stopReason == nil ? error : failure)
    }
    guard let found else { return nil }
    guard found.size == size, found.metadata[Self.runIDField] == runID.description else {
      throw .nameTaken(blob)
    }
    return found.etag
  }

  private borrowing func receipt(
    _ etag: ETag, _ metadata: BlobMetadata, _ options: CommitOptions, _ blocks: [CommittedBlock]
  ) -> BlobReceipt {
    BlobReceipt(
      blob: blob, size: size, etag: etag, metadata: metadata, options: options, blocks: blocks)
  }

  /// `Uncommitted` names blocks staged since the last commit only, so that even a store that
  /// ignored the condition could not carry out the same commit twice.
  private borrowing func commitRequest(
    _ blocks: [CommittedBlock], _ metadata: BlobMetadata, _ options: CommitOptions
  ) -> StorageRequest {
    var list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>"
    for block in blocks { list += "<Uncommitted>\(block.id)</Uncommitted>" }
    list += "</BlockList>"
    var request = StorageRequest(
      .putBlockList, path: container.path(of: blob), query: [("comp", "blocklist")],
      headers: [
        "Content-Type": "application/xml",
        "If-None-Match": "*",
        "x-ms-blob-content-type": "application/octet-stream",
      ],
      body: Payload(list.utf8))
    for field in options.headerFields { request.headers.add(field.name, field.value) }
    for field in metadata.headerFields { request.headers.add(field.name, field.value) }
    return request
  }
}

extension BlobContainer {
  fileprivate func etag(
    of response: Response, to request: StorageRequest
  ) throws(AzureError) -> ETag {
    guard let etag = response.headers["etag"].flatMap({ ETag($0) }) else {
      throw .unreadable(request.operation, url: url(of: request), reason: "it carries no ETag")
    }
    return etag
  }
}

extension AzureError {
  /// Whether the blob may be visible although its commit failed.
  fileprivate var leavesCommitOpen: Bool {
    switch self {
    case .unanswered, .unreadable: true
    case .refused(let error, _):
      // A policy protects a blob from the moment that the first of two attempts has made it.
      [.transient, .conditionNotMet, .protected].contains(error.errorClass)
        || error.code == "InvalidBlockList" || error.status == 412
    default: false
    }
  }
}
