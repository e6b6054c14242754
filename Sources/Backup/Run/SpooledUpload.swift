internal import Azure

/// An upload that etcd need not wait for: what it cannot take yet waits in a spool.
///
/// Without a spool the snapshot waits for the upload, and etcd's read transaction with it.
struct SpooledUpload: ~Copyable {
  private var upload: BlockUpload
  private var spool: Spool?
  private var piece: [UInt8] = []

  /// Bytes read back at a time.
  private static let pieceSize = 256 << 10

  init(_ upload: consuming BlockUpload, spool: consuming Spool?) {
    self.upload = upload
    self.spool = spool
  }

  /// Takes bytes in behind all that came before; waits only where there is no spool, or it is full.
  mutating func append(_ bytes: RawSpan) throws {
    if spool == nil { return try upload.append(bytes) }
    if waiting == 0, try upload.isReady(for: bytes.byteCount) { return try upload.append(bytes) }
    var done = 0
    while true {
      done += spool?.append(bytes.extracting(done...)) ?? 0
      if done == bytes.byteCount { break }
      // Full: the oldest bytes have to go before there is room again.
      if waiting == 0 { return try upload.append(bytes.extracting(done...)) }
      try passPiece()
    }
    while waiting > 0, try upload.isReady(for: Self.pieceSize) { try passPiece() }
  }

  /// Waits until every byte is stored.
  mutating func finishBlocks() throws {
    while waiting > 0 { try passPiece() }
    try upload.finishBlocks()
  }

  /// Makes the blob visible. Call it once, after `finishBlocks`.
  consuming func commit(
    metadata: BlobMetadata, options: CommitOptions
  ) throws(AzureError) -> BlobReceipt {
    try upload.commit(metadata: metadata, options: options)
  }

  /// Bytes in the spool. Mutating, since Swift looks into an optional that cannot be copied only so.
  private var waiting: Int {
    mutating get { spool?.count ?? 0 }
  }

  private mutating func passPiece() throws {
    try spool?.take(Self.pieceSize, into: &piece)
    let bytes = piece
    unsafe try upload.append(bytes.span.bytes)
  }
}
