/// The sixteen bytes that open every page, and the bounds of the elements that follow them.
///
/// See bbolt's `internal/common/page.go`.
struct NodeHeader {
  static let byteCount = 16
  /// A branch element (position, key size, child) and a leaf element (flags, position, key size,
  /// value size) are equally long.
  static let elementSize = 16

  static let branchFlag: UInt16 = 1
  static let leafFlag: UInt16 = 2
  static let metaFlag: UInt16 = 4
  static let freelistFlag: UInt16 = 0x10

  /// The page's own number; 0 in a page inside an inline bucket.
  let id: UInt64
  let flags: UInt16
  let count: Int
  /// Pages that this one continues into.
  let overflow: UInt32

  init(_ bytes: RawSpan) {
    id = bytes.uint64(at: 0)
    flags = bytes.uint16(at: 8)
    count = Int(bytes.uint16(at: 10))
    overflow = bytes.uint32(at: 12)
  }

  /// Where the keys and values begin: after the last element.
  var dataOffset: Int { Self.byteCount + count * Self.elementSize }
}

/// One element of a node: what it says of its key and its value or child.
///
/// bbolt writes a node's keys and values one after the other behind the elements, with no gap. So an
/// element's position says nothing that the sizes before it do not say, and is held against them.
struct NodeElement {
  /// Of a leaf's element: `bucketFlag` or 0.
  var flags: UInt32 = 0
  /// Of a branch's element.
  var child: UInt64 = 0
  /// From the node's beginning.
  let keyOffset: Int
  let keySize: Int
  var valueSize = 0

  static let bucketFlag: UInt32 = 1
  /// bbolt's `MaxKeySize`.
  static let maximumKeySize = 32768

  var end: Int { keyOffset + keySize + valueSize }

  /// Reads element `index` of a leaf, whose key has to lie at `offset` and whose value has to end
  /// within `limit`.
  @inline(__always)
  init(leaf bytes: RawSpan, index: Int, expectedAt offset: Int, limit: Int) throws(Defect) {
    let at = NodeHeader.byteCount + index * NodeHeader.elementSize
    flags = bytes.uint32(at: at)
    keyOffset = at + Int(bytes.uint32(at: at + 4))
    keySize = Int(bytes.uint32(at: at + 8))
    valueSize = Int(bytes.uint32(at: at + 12))
    guard flags <= Self.bucketFlag else { throw Defect(.elementFlags, element: index) }
    try check(index, expectedAt: offset, limit: limit)
  }

  /// Reads element `index` of a branch in the same way.
  @inline(__always)
  init(branch bytes: RawSpan, index: Int, expectedAt offset: Int, limit: Int) throws(Defect) {
    let at = NodeHeader.byteCount + index * NodeHeader.elementSize
    keyOffset = at + Int(bytes.uint32(at: at))
    keySize = Int(bytes.uint32(at: at + 4))
    child = bytes.uint64(at: at + 8)
    try check(index, expectedAt: offset, limit: limit)
  }

  @inline(__always)
  private func check(_ index: Int, expectedAt offset: Int, limit: Int) throws(Defect) {
    guard (1...Self.maximumKeySize).contains(keySize) else {
      throw Defect(.keySize, element: index)
    }
    guard keyOffset == offset else { throw Defect(.keyPosition, element: index) }
    guard end <= limit else { throw Defect(.dataBeyondNode, element: index) }
  }
}
