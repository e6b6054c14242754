// Finds out whether blobs may be listed and written, and makes none.

internal import HTTP

extension BlobContainer {
  /// Stages one block of one byte under a unique name, and never commits it.
  ///
  /// A staged block is not a blob: no listing shows it, and no client can read it. Deleting the name
  /// removes it from some stores; Azure discards it after a week.
  package func stageBlock(at blob: BlobName, runID: RunID) throws(AzureError) {
    var upload = startUpload(named: blob, runID: runID, blockSize: 1, blocksInFlight: 1)
    let byte: [UInt8] = [0]
    try unsafe byte.span.withUnsafeBytes { bytes throws(AzureError) in
      try unsafe upload.append(bytes)
    }
    try upload.finishBlocks()
  }

  /// Asks for the first blob whose name begins with `prefix`, in one request.
  package func hasBlob(under prefix: String) throws(AzureError) -> Bool {
    var listing = BlobListing(self, prefix: prefix, metadata: [], pageSize: 1)
    return try listing.nextPage()?.isEmpty == false
  }
}
