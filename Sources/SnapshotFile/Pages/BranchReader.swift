/// Checks the elements of one branch, one after the other, and gathers what the page's fact needs.
struct BranchReader {
  /// Pages in the file: a child is below.
  let pageCount: UInt64
  let fingerprints: Fingerprints

  private(set) var children: [UInt32] = []
  /// For each child the fingerprint of the key that the branch has for it.
  private(set) var keys: [UInt64] = []
  /// The sum over the children, see `Fingerprints.child`.
  private(set) var fingerprint: UInt64 = 0
  private var last = (at: 0, count: 0)

  init(pageCount: UInt64, fingerprints: Fingerprints) {
    self.pageCount = pageCount
    self.fingerprints = fingerprints
  }

  /// Takes element `index`, whose key lies at `key` in `bytes`.
  @inline(__always)
  mutating func take(
    _ element: NodeElement, index: Int, in bytes: RawSpan, key: Int
  ) throws(Defect) {
    guard (2..<pageCount).contains(element.child) else {
      throw Defect(.child, element: index, other: element.child)
    }
    guard index == 0 || bytes.precedes(last.at, last.count, key, element.keySize) else {
      throw Defect(.keysNotAscending, element: index)
    }
    last = (key, element.keySize)
    let child = UInt32(element.child)
    let firstKey = fingerprints.key(bytes, at: key, count: element.keySize)
    children.append(child)
    keys.append(firstKey)
    fingerprint &+= fingerprints.child(child, firstKey: firstKey)
  }

  /// Reads a whole branch that lies in `page`.
  ///
  /// - Returns: Where its last key ends.
  mutating func readPage(_ page: RawSpan, _ header: NodeHeader) throws(Defect) -> Int {
    children.reserveCapacity(header.count)
    keys.reserveCapacity(header.count)
    var offset = header.dataOffset
    for index in 0..<header.count {
      let element = try NodeElement(
        branch: page, index: index, expectedAt: offset, limit: page.byteCount)
      try take(element, index: index, in: page, key: offset)
      offset = element.end
    }
    return offset
  }
}
