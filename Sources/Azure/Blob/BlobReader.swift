// Reads one version of a blob from its first byte to its last, several ranges of it at once.

package import HTTP

/// The counterpart of `BlockUpload`: pulled, in order, in bounded memory.
///
/// ```swift
/// var reader = container.read(
///   blob, ifMatch: etag, size: size, rangeSize: 4 << 20, rangesInFlight: 6)
/// while let payload = try reader.next() { try payload.withBytes { try verifier.update($0) } }
/// ```
///
/// Ranges come in while anything at all is waited for. One that breaks off is asked for again from
/// the byte where it broke, without holding up the others; and every one is pinned to the same
/// version, so that no blob can be put together from two. Memory is
/// `rangeSize × (rangesInFlight + 1)`: one range is being used while the others are on their way.
///
/// Letting go of a reader takes its requests off the wire.
package struct BlobReader: ~Copyable {
  package let blob: BlobName
  package let etag: ETag
  /// Of the whole blob, in bytes.
  package let size: Int
  private let container: BlobContainer
  private let rangeSize: Int
  private let rangesInFlight: Int

  /// Where the next range to be asked for begins.
  private var nextStart = 0
  /// In the order of the blob; the first is the next to be handed out.
  private var underWay: [BlobRange] = []
  private var handedOut: Payload?
  private var spare: [Payload] = []

  fileprivate init(
    _ blob: BlobName, of container: BlobContainer, _ etag: ETag, size: Int, rangeSize: Int,
    rangesInFlight: Int
  ) {
    precondition(rangeSize > 0 && rangesInFlight > 0, "reading needs ranges")
    self.blob = blob
    self.container = container
    self.etag = etag
    self.size = size
    self.rangeSize = rangeSize
    self.rangesInFlight = rangesInFlight
  }

  deinit {
    container.cancel(underWay.map(\.asking))
  }

  /// The next bytes, which are gone with the next call; `nil` after the last.
  package mutating func next() throws(AzureError) -> Payload? {
    if let payload = handedOut {
      payload.removeAll()
      spare.append(payload)
      handedOut = nil
    }
    try startRanges()
    guard !underWay.isEmpty else { return nil }
    try waitForFirst()
    handedOut = underWay.removeFirst().payload
    try startRanges()
    return handedOut
  }

  // MARK: Ranges on their way

  private mutating func startRanges() throws(AzureError) {
    while underWay.count < rangesInFlight, nextStart < size {
      let end = min(nextStart + rangeSize, size)
      let payload = spare.popLast() ?? Payload(capacity: min(rangeSize, size))
      underWay.append(try advanced(BlobRange(bytes: nextStart..<end, payload: payload)))
      nextStart = end
    }
  }

  private mutating func waitForFirst() throws(AzureError) {
    try service()
    while !underWay[0].asking.isConfirmed {
      try container.wait(
        for: underWay.map(\.asking), of: .getBlob, at: container.url(of: blob))
      try service()
    }
  }

  /// Takes in the answers that have come and starts the attempts that are due; waits for nothing.
  private mutating func service() throws(AzureError) {
    for position in underWay.indices {
      underWay[position] = try advanced(underWay[position])
    }
  }

  /// The range as far as it has come without waiting for anything.
  private func advanced(_ range: BlobRange) throws(AzureError) -> BlobRange {
    var range = range
    var asking = range.asking
    let heldBefore = range.heldBefore
    try asking.advance(in: container) { () throws(AzureError) in
      range.heldBefore = range.payload.count
      return try start(range)
    } confirm: { exchange, result throws(AzureError) in
      try confirm(range, exchange, result)
    } hasProgressed: {
      range.payload.count > heldBefore
    }
    range.asking = asking
    return range
  }

  /// Returns only where all of the range has come, and nothing else.
  private func confirm(
    _ range: BlobRange, _ exchange: Exchange, _ result: Result<Response, TransferError>
  ) throws(AzureError) {
    let request = request(for: range)
    // A head that broke off says nothing yet.
    if case .failure = result, range.payload.count == range.heldBefore {
      _ = try container.judge(
        result, of: request, sentAs: exchange.request, attempt: range.asking.attempt)
    }
    let expected =
      "bytes \(range.bytes.lowerBound + range.heldBefore)-\(range.bytes.upperBound - 1)/\(size)"
    let isPart =
      exchange.headers["content-range"] == expected
      && exchange.headers["etag"].flatMap { ETag($0) } == etag
    // Also where the answer broke off: what came of it counts only if it is the right thing.
    guard exchange.status != 206 || isPart else {
      throw .unreadable(
        .getBlob, url: container.url(of: request), reason: "it is not the range that was asked for")
    }
    if range.payload.count == range.bytes.count { return }
    let response = try container.judge(
      result, of: request, sentAs: exchange.request, attempt: range.asking.attempt)
    guard response.status == 206 else {
      throw .unreadable(
        .getBlob, url: container.url(of: request), reason: "it is not a part, but status 200")
    }
    let error = TransferError(
      .cutShort, request: "\(request.method) \(container.url(of: request))",
      detail: "\(range.payload.count) of \(range.bytes.count) bytes")
    throw .unanswered(.getBlob, error, attempts: range.asking.attempt)
  }

  /// Asks for what the range still lacks.
  private func start(_ range: BlobRange) throws(AzureError) -> Exchange {
    container.transport.start(
      try container.authorized(request(for: range)), over: container.connection,
      filling: range.payload)
  }

  private func request(for range: BlobRange) -> StorageRequest {
    let first = range.bytes.lowerBound + range.payload.count
    return StorageRequest(
      .getBlob, path: container.path(of: blob),
      headers: [
        "x-ms-range": "bytes=\(first)-\(range.bytes.upperBound - 1)", "If-Match": etag.quoted,
      ])
  }
}

extension BlobContainer {
  /// Begins to read a blob of `size` bytes in the version `etag`, as `properties(of:)` told them;
  /// `rangeSize` is in bytes.
  package func read(
    _ blob: BlobName, ifMatch etag: ETag, size: Int, rangeSize: Int, rangesInFlight: Int
  ) -> BlobReader {
    BlobReader(
      blob, of: self, etag, size: size, rangeSize: rangeSize, rangesInFlight: rangesInFlight)
  }
}

/// One range from its first request until all of it has come.
private struct BlobRange {
  let bytes: Range<Int>
  /// What has come so far.
  let payload: Payload
  /// How much of it had come when the last attempt began.
  var heldBefore = 0
  var asking = RetriedRequest()

  init(bytes: Range<Int>, payload: Payload) {
    self.bytes = bytes
    self.payload = payload
  }
}
