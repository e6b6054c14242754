/// What a bbolt file says about itself in one of its first two pages.
///
/// The first `byteCount` bytes of a snapshot are enough to know how long the database is; see
/// `databaseSize`. See bbolt's `internal/common/meta.go`.
package struct MetaPage: Equatable, Sendable {
  /// Bytes that have to be there to read a meta page: the page's header and the meta itself.
  package static let byteCount = NodeHeader.byteCount + 64

  /// `freelist` when the list of free pages is not stored, as etcd does since 3.3.
  package static let noFreelist = UInt64.max

  /// Bytes in a page: the memory page of the machine that created the file.
  package let pageSize: Int
  /// The page that holds the root of the tree of buckets.
  package let root: UInt64
  /// The page that holds the list of free pages, or `noFreelist`.
  package let freelist: UInt64
  /// The first page beyond the database.
  package let highWaterMark: UInt64
  /// The transaction that wrote this page.
  package let txid: UInt64

  /// Bytes in the database: every page below the high-water mark.
  package let databaseSize: UInt64

  /// Reads and checks page `number` (0 or 1) from its first `byteCount` bytes.
  package init(page number: Int, _ bytes: RawSpan) throws(BoltError) {
    guard bytes.byteCount >= Self.byteCount else {
      throw .ended(after: UInt64(bytes.byteCount), expected: nil)
    }
    func refuse(_ problem: MetaProblem) -> BoltError { .meta(page: number, problem) }

    let header = NodeHeader(bytes)
    let meta = bytes.extracting(NodeHeader.byteCount..<Self.byteCount)
    switch meta.uint32(at: 0) {
    case 0xED0C_DAED: break
    case 0xEDDA_0CED: throw refuse(.otherByteOrder)
    default: throw refuse(.notBolt)
    }
    guard meta.uint64(at: 56) == fnv1a(meta.extracting(0..<56)) else { throw refuse(.checksum) }
    let version = meta.uint32(at: 4)
    guard version == 2, meta.uint32(at: 12) == 0 else { throw refuse(.version(version)) }
    guard
      header.id == UInt64(number), header.flags == NodeHeader.metaFlag, header.count == 0,
      header.overflow == 0
    else { throw refuse(.header) }

    pageSize = Int(meta.uint32(at: 8))
    root = meta.uint64(at: 16)
    freelist = meta.uint64(at: 32)
    highWaterMark = meta.uint64(at: 40)
    txid = meta.uint64(at: 48)

    guard pageSize.nonzeroBitCount == 1, (4096...65536).contains(pageSize) else {
      throw refuse(.pageSize(pageSize))
    }
    let (size, overflow) = highWaterMark.multipliedReportingOverflow(by: UInt64(pageSize))
    guard !overflow, (3...Self.maximumPages).contains(highWaterMark) else {
      throw refuse(.pageCount(highWaterMark))
    }
    databaseSize = size
    guard (2..<highWaterMark).contains(root) else { throw refuse(.root(root)) }
    guard freelist == Self.noFreelist || (2..<highWaterMark).contains(freelist) else {
      throw refuse(.freelist(freelist))
    }
  }

  /// Reads and checks page `number` (0 or 1) from its first `byteCount` bytes.
  package init(page number: Int, _ bytes: [UInt8]) throws(BoltError) {
    try self.init(page: number, unsafe bytes.span.bytes)
  }

  /// The largest database read: 256 GiB in pages of 4 KiB, far beyond what etcd advises (8 GiB).
  /// It bounds what an announced size can make us reserve.
  static let maximumPages: UInt64 = 1 << 26

  /// Whether `other` is what bbolt streams as page 1 after this page 0: the transaction before,
  /// all else equal.
  func isFollowed(by other: MetaPage) -> Bool {
    pageSize == other.pageSize && root == other.root && freelist == other.freelist
      && highWaterMark == other.highWaterMark && txid == other.txid &+ 1
  }
}

/// FNV-1a of 64 bits, bbolt's checksum of a meta page.
func fnv1a(_ bytes: RawSpan) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for offset in 0..<bytes.byteCount {
    hash = (hash ^ UInt64(bytes.byte(at: offset))) &* 0x100_0000_01b3
  }
  return hash
}
