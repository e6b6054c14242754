// What is known of one committed blob, as a line of `committed.jsonl` holds it.

/// One metadata pair, its name in the case in which it came.
struct Metadatum: Codable, Sendable, Equatable {
  var name: String
  var value: String
}

/// A committed blob: everything but its bytes.
struct BlobRecord: Codable, Sendable {
  struct Block: Codable, Sendable, Equatable {
    /// Base64, as the client chose it.
    var id: String
    var size: Int
  }

  /// The properties a client sets and gets back as headers.
  struct Content: Codable, Sendable, Equatable {
    var type = "application/octet-stream"
    var encoding: String?
    var language: String?
    var disposition: String?
    var cacheControl: String?
    var md5: String?
  }

  var name: String
  /// Without quotes.
  var etag: String
  var created: HTTPDate
  var lastModified: HTTPDate
  var content = Content()
  var metadata: [Metadatum] = []
  /// `nil`: the account's default, Hot.
  var tier: String?
  /// Its own immutability policy; `nil` without one.
  var immutability: Immutability?
  /// The folder under `data/` with the blocks' files; `nil` when their bytes were not kept.
  var folder: String?
  var blocks: [Block]
  /// A blob of Put Blob has bytes but no block list.
  var isSingle: Bool?

  var isImmutable: Bool { immutability.map { $0.until > .now } ?? false }

  var size: Int { blocks.reduce(0) { $0 + $1.size } }
}

/// A committed blob and its bytes; whoever reads it keeps the bytes alive, even once overwritten.
struct StoredBlob: Sendable {
  var record: BlobRecord
  /// Kept apart because the sum over 50,000 blocks is asked for by every listing.
  let size: Int
  let bytes: BlobBytes?

  init(record: BlobRecord, bytes: BlobBytes?) {
    self.record = record
    self.size = record.size
    self.bytes = bytes
  }

  /// Bytes `range` of the blob; `nil` when they were not kept.
  func slice(_ range: Range<Int>) -> StoredSlice? {
    guard size > 0 else { return StoredSlice(bytes: nil, blocks: [], range: range) }
    return bytes.map { StoredSlice(bytes: $0, blocks: record.blocks.map(\.size), range: range) }
  }
}
