/// Checks the records of one leaf, one after the other, and gathers what the page's fact needs.
///
/// The bytes are either the page itself or, for a leaf of several pages, its keys gathered from
/// them (`OpenNode`); so positions are given by the caller.
struct LeafReader {
  /// Where a key lies in the bytes.
  typealias Place = (at: Int, count: Int)

  private(set) var first: Place?
  private(set) var last: Place = (0, 0)
  /// Every record has the key of a revision and a value that fits it.
  private(set) var holdsOnlyRevisions = true
  /// A revision has a value that Kubernetes encrypted.
  private(set) var holdsEncryptedValue = false
  private(set) var buckets: [Bucket] = []
  private(set) var findings: [Finding] = []
  /// A bucket in a bucket's only leaf is never inline, nor is then the leaf.
  private var mayHoldBuckets = true

  /// A bucket in this leaf: nested by its root page, or inline.
  struct Bucket {
    /// Its element.
    let index: Int
    let name: Place
    let root: UInt64
    let inline: BucketOutline.Inline?
  }

  /// Takes record `index`, whose key lies at `key` in `bytes` and whose value follows at `value`:
  /// `available` bytes of it, which is all for a bucket and at least the beginning for anything else.
  /// Only a revision's may be missing; then `valueFits` says whether it fits.
  @inline(__always)
  mutating func take(
    _ element: NodeElement, index: Int, in bytes: RawSpan, key: Int, value: Int, available: Int,
    valueFits: Bool? = nil
  ) throws(Defect) {
    let size = element.keySize
    if first == nil {
      first = (key, size)
    } else if !bytes.precedes(last.at, last.count, key, size) {
      throw Defect(.keysNotAscending, element: index)
    }
    last = (key, size)

    guard element.flags == 0 else {
      return try takeBucket(element, index: index, in: bytes, key: key, value: value)
    }
    if PackedRevision.isRevision(bytes, at: key, count: size) {
      if holdsOnlyRevisions {
        if let valueFits {
          holdsOnlyRevisions = valueFits
        } else {
          let message = KeyValue(bytes.extracting(value..<value + available))
          holdsOnlyRevisions = message.fits(
            revision: bytes.bigEndian64(at: key), isTombstone: size == 18)
          if message.isEncrypted { holdsEncryptedValue = true }
        }
      }
    } else {
      holdsOnlyRevisions = false
      if Finding.isWanted(bytes, at: key, count: size) {
        let isWhole = available == element.valueSize && available <= Finding.maximumValueSize
        findings.append(
          Finding(
            key: bytes.array(at: key, count: size),
            value: isWhole ? bytes.array(at: value, count: available) : nil))
      }
    }
  }

  /// A bucket's value: its root page and a sequence number, then, if there is no root page, the one
  /// page that the bucket consists of.
  private mutating func takeBucket(
    _ element: NodeElement, index: Int, in bytes: RawSpan, key: Int, value: Int
  ) throws(Defect) {
    guard mayHoldBuckets else { throw Defect(.inlineBucket, element: index) }
    holdsOnlyRevisions = false
    let name = (at: key, count: element.keySize)
    guard element.valueSize >= 16 else { throw Defect(.bucket, element: index) }
    let root = bytes.uint64(at: value)
    guard root == 0 else {
      guard element.valueSize == 16, root >= 2 else { throw Defect(.bucket, element: index) }
      buckets.append(Bucket(index: index, name: name, root: root, inline: nil))
      return
    }
    let page = bytes.extracting(value + 16..<value + element.valueSize)
    guard let leaf = LeafReader(inline: page) else { throw Defect(.inlineBucket, element: index) }
    let inline = BucketOutline.Inline(
      count: NodeHeader(page).count, holdsOnlyRevisions: leaf.holdsOnlyRevisions)
    buckets.append(Bucket(index: index, name: name, root: 0, inline: inline))

    let bucket = bytes.array(at: key, count: element.keySize)
    findings += leaf.findings.map { $0.inBucket(bucket) }
    if leaf.first != nil, leaf.holdsOnlyRevisions {
      findings.append(
        Finding(lastKey: page.array(at: leaf.last.at, count: leaf.last.count)).inBucket(bucket))
    }
  }

  init() {}

  /// Reads the page inside an inline bucket; `nil` if it is not as bbolt writes it: a leaf without
  /// buckets that fills the value exactly.
  private init?(inline page: RawSpan) {
    guard page.byteCount >= NodeHeader.byteCount else { return nil }
    let header = NodeHeader(page)
    guard
      header.id == 0, header.flags == NodeHeader.leafFlag, header.overflow == 0,
      header.dataOffset <= page.byteCount
    else { return nil }
    mayHoldBuckets = false
    guard let end = try? readPage(page, header), end == page.byteCount else { return nil }
  }

  /// Reads a whole leaf that lies in `page`.
  ///
  /// - Returns: Where its last record ends.
  @inline(__always)
  mutating func readPage(_ page: RawSpan, _ header: NodeHeader) throws(Defect) -> Int {
    var offset = header.dataOffset
    for index in 0..<header.count {
      let element = try NodeElement(
        leaf: page, index: index, expectedAt: offset, limit: page.byteCount)
      try take(
        element, index: index, in: page, key: offset, value: offset + element.keySize,
        available: element.valueSize)
      offset = element.end
    }
    return offset
  }
}
