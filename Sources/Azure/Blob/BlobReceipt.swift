// What is known of a blob once its commit has succeeded: proof for the record, and what to check.

package struct BlobReceipt: Equatable, Sendable {
  package let blob: BlobName
  /// In bytes.
  package let size: Int
  package let etag: ETag
  package let metadata: BlobMetadata
  package let options: CommitOptions
  package let blocks: [CommittedBlock]
}

extension BlobContainer {
  /// Asks the store what it holds and compares it with what was sent: length, metadata (the run's
  /// id included), version, and every block's id and size.
  ///
  /// The blocks' contents were checked one by one as they were stored. Last comes what the commit
  /// asked for besides: a blob that lacks it is whole all the same.
  package func verify(_ receipt: BlobReceipt) throws(AzureError) {
    guard let held = try properties(of: receipt.blob) else {
      throw .notAsSent(receipt.blob, difference: "it is not there")
    }
    if let difference = receipt.difference(from: held) {
      throw .notAsSent(receipt.blob, difference: difference)
    }
    let blocks = try committedBlocks(of: receipt.blob)
    if let difference = receipt.difference(from: blocks) {
      throw .notAsSent(receipt.blob, difference: difference)
    }
    if let error = receipt.options.difference(from: held) { throw error }
  }
}

extension BlobReceipt {
  /// The first thing that is not as it was sent.
  func difference(from held: BlobProperties) -> String? {
    if held.size != size { return "it has \(held.size) bytes, but \(size) were sent" }
    for (name, value) in metadata.fields.sorted(by: { $0.key < $1.key })
    where held.metadata[name] != value {
      let found = held.metadata[name].map { "\"\($0)\"" } ?? "missing"
      return "its metadata field \(name) is \(found), but \"\(value)\" was sent"
    }
    if held.etag != etag { return "it was written again after the commit" }
    return nil
  }

  func difference(from held: [CommittedBlock]) -> String? {
    if held.count != blocks.count {
      return "it has \(held.count) blocks, but \(blocks.count) were sent"
    }
    for (index, (stored, sent)) in zip(held, blocks).enumerated() where stored != sent {
      return stored.id == sent.id
        ? "block \(index) has \(stored.size) bytes, but \(sent.size) were sent"
        : "block \(index) is not the one that was sent"
    }
    return nil
  }
}
