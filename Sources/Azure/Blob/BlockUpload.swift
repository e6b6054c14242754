// Writes one blob block by block while its bytes come in; nothing is visible before the commit.

internal import Digests
internal import HTTP

/// Appended to, then finished, then consumed by `commit` (in BlockUpload+Commit.swift).
///
/// ```swift
/// var upload = container.startUpload(named: blob, runID: id, blockSize: 4 << 20, blocksInFlight: 6)
/// while let bytes = try source.next() { try upload.append(bytes) }
/// try upload.finishBlocks()
/// let receipt = try upload.commit(metadata: metadata)
/// ```
///
/// Several blocks are on their way at once and go out while anything at all is waited for, such as
/// the next bytes of the snapshot. A block's bytes are kept until its 201; one that failed waits
/// for its next attempt without holding up the others. Memory is
/// `blockSize × (blocksInFlight + 1)`: one block fills while the others are on their way.
///
/// Letting go of an upload takes its requests off the wire; what was staged by then is invisible
/// and Azure discards it after a week.
package struct BlockUpload: ~Copyable {
  package let blob: BlobName
  package let runID: RunID
  let container: BlobContainer
  private let blockSize: Int
  private let blocksInFlight: Int

  /// The sizes of all blocks cut so far, in their order.
  private(set) var sizes: [Int] = []
  private var filling: Block
  private var underWay: [Block] = []
  private var spare: [Payload] = []

  /// `blockSize` is in bytes.
  init(
    _ blob: BlobName, in container: BlobContainer, runID: RunID, blockSize: Int, blocksInFlight: Int
  ) {
    precondition(blockSize > 0 && blocksInFlight > 0, "an upload needs blocks")
    self.blob = blob
    self.container = container
    self.runID = runID
    self.blockSize = blockSize
    self.blocksInFlight = blocksInFlight
    filling = Block(index: 0, payload: Payload(capacity: blockSize))
  }

  deinit {
    container.cancel(underWay.map(\.sending))
  }

  /// How many bytes have been appended.
  package private(set) var size = 0

  /// How many blocks are stored, which is to say acknowledged by the service.
  package var storedBlocks: Int { sizes.count - underWay.count }

  /// Takes bytes in; waits where all blocks are full and on their way.
  package mutating func append(_ bytes: RawSpan) throws(AzureError) {
    var done = 0
    while done < bytes.byteCount {
      let taken = filling.append(bytes.extracting(done...))
      done += taken
      size += taken
      if filling.payload.isFull { try sendOff() }
    }
    try service()
  }

  /// Whether `append` would take that many bytes without waiting.
  package mutating func isReady(for count: Int) throws(AzureError) -> Bool {
    try service()
    return underWay.count < blocksInFlight || filling.payload.count + count < blockSize
  }

  /// Sends what is left as the last block and waits until every block is stored.
  ///
  /// From here on only `commit` is left to be called.
  package mutating func finishBlocks() throws(AzureError) {
    if filling.payload.count > 0 { try sendOff() }
    try wait(untilUnderWay: 0)
    spare.removeAll()
  }

  // MARK: Blocks on their way

  /// Puts the block that was filling on its way and begins the next.
  private mutating func sendOff() throws(AzureError) {
    guard sizes.count < BlockID.maximumCount else { throw .tooManyBlocks(blob) }
    try wait(untilUnderWay: blocksInFlight - 1)
    sizes.append(filling.payload.count)
    underWay.append(try advanced(filling))
    filling = Block(
      index: sizes.count, payload: spare.popLast() ?? Payload(capacity: blockSize))
  }

  /// Waits until at most `count` blocks are not stored yet.
  private mutating func wait(untilUnderWay count: Int) throws(AzureError) {
    try service()
    while underWay.count > count {
      try container.wait(
        for: underWay.map(\.sending), of: .putBlock, at: container.url(of: blob))
      try service()
    }
  }

  /// Takes in the answers that have come and starts the attempts that are due; waits for nothing.
  private mutating func service() throws(AzureError) {
    for position in underWay.indices {
      underWay[position] = try advanced(underWay[position])
    }
    underWay.removeAll { block in
      guard block.sending.isConfirmed else { return false }
      block.payload.removeAll()
      spare.append(block.payload)
      return true
    }
  }

  /// The block as far as it has come without waiting for anything.
  private func advanced(_ block: Block) throws(AzureError) -> Block {
    var block = block
    var sending = block.sending
    try sending.advance(in: container) { () throws(AzureError) in
      try container.start(request(for: block))
    } confirm: { exchange, result throws(AzureError) in
      try confirm(block, exchange.request, result)
    }
    block.sending = sending
    return block
  }

  /// Returns only where the service stored the very bytes of the block.
  private func confirm(
    _ block: Block, _ sent: Request, _ result: Result<Response, TransferError>
  ) throws(AzureError) {
    let response = try container.judge(
      result, of: request(for: block), sentAs: sent, attempt: block.sending.attempt)
    let stored = response.headers["x-ms-content-crc64"]
    guard stored == nil || stored == block.checksum.headerValue else {
      throw .damagedBlock(blob, index: block.index, attempts: block.sending.attempt)
    }
  }

  private func request(for block: Block) -> StorageRequest {
    StorageRequest(
      .putBlock, path: container.path(of: blob),
      query: [
        ("comp", "block"),
        ("blockid", BlockID(run: runID, index: block.index).description),
      ],
      headers: ["x-ms-content-crc64": block.checksum.headerValue], body: block.payload)
  }
}

extension BlobContainer {
  /// Begins a blob. `runID` sets its blocks apart from those of any other run, and stands in its
  /// metadata; `blockSize` is in bytes.
  package func startUpload(
    named blob: BlobName, runID: RunID, blockSize: Int, blocksInFlight: Int
  ) -> BlockUpload {
    BlockUpload(
      blob, in: self, runID: runID, blockSize: blockSize, blocksInFlight: blocksInFlight)
  }
}

/// One block from its first byte until the service has acknowledged it.
private struct Block {
  let index: Int
  let payload: Payload
  private(set) var checksum = CRC64()
  var sending = RetriedRequest()

  init(index: Int, payload: Payload) {
    self.index = index
    self.payload = payload
  }

  /// Takes as many of `bytes` as there is room for and says how many that were.
  mutating func append(_ bytes: RawSpan) -> Int {
    let taken = payload.append(bytes)
    checksum.update(bytes.extracting(..<taken))
    return taken
  }
}
