// Finds out whether blobs may be listed, written and read, and makes none.

internal import HTTP

/// What a container tells of itself to every credential that a run can use.
package struct ContainerProbe: Equatable, Sendable {
  /// Whether there is a blob under the prefix.
  package let hasBlob: Bool
  /// How many seconds our clock is ahead of the store's, where it told the time.
  package let secondsAhead: Int?

  /// More than a store and a node that keep time can differ.
  package var showsWrongClock: Bool { secondsAhead.map { abs($0) > 60 } ?? false }

  package static let clockHint =
    "Correct this node's clock: beyond 15 minutes the store refuses every request."
}

extension BlobContainer {
  /// Lists one blob whose name begins with `prefix`; a missing container is an error and never
  /// created.
  ///
  /// Every credential that a run can use allows this. Get Container Properties does not serve: a SAS
  /// for the container may not ask for them.
  package func probe(under prefix: String) throws(AzureError) -> ContainerProbe {
    var listing = BlobListing(self, prefix: prefix, metadata: [], pageSize: 1)
    let hasBlob = try listing.nextPage()?.isEmpty == false
    return ContainerProbe(
      hasBlob: hasBlob, secondsAhead: listing.storeClock.map { clock() - $0 })
  }

  /// Stages one block of one byte under a unique name, and never commits it.
  ///
  /// A staged block is not a blob: no listing shows it, and no client can read it. Deleting the name
  /// removes it from some stores; Azure discards it after a week.
  package func stageBlock(at blob: BlobName, runID: RunID) throws(AzureError) {
    var upload = startUpload(named: blob, runID: runID, blockSize: 1, blocksInFlight: 1)
    let byte: [UInt8] = [0]
    try unsafe upload.append(byte.span.bytes)
    try upload.finishBlocks()
  }
}
