/// Finds out whether blobs may be written, and leaves none behind.

extension BlobContainer {
  /// Stages one block under a name that nobody else uses, and takes it away again.
  ///
  /// A staged block is no blob: no listing shows it, nobody can read it, and Azure discards it
  /// after a week if it could not be taken away at once.
  package func proveWritable(at blob: BlobName, runID: RunID) throws(AzureBlobError) {
    var upload = startUpload(named: blob, runID: runID, blockSize: 1, blocksInFlight: 1)
    let byte: [UInt8] = [0]
    try unsafe byte.span.withUnsafeBytes { bytes throws(AzureBlobError) in
      try unsafe upload.append(bytes)
    }
    try upload.finishBlocks()
    _ = try delete(blob)
  }
}
