/// A node of several pages whose keys have not all passed yet.
///
/// Its keys lie between its values, so they are gathered while the pages pass, with no more of the
/// values than a check needs. bbolt splits a node of more than four elements into single pages, so
/// one of its is small. More elements are read as well, as many as the first page has room for:
/// what made-up nodes may take together is bounded by `PageInspection`.
struct OpenNode {
  let page: UInt32
  let header: NodeHeader
  private let pageSize: Int
  /// The header and the elements.
  private let head: [UInt8]
  /// Keys, each followed by what is wanted of its value.
  private var gathered: [UInt8] = []
  /// Where each element's key lies in `gathered`.
  private var places: [Int] = []
  /// The element being gathered, and how much of it is there already.
  private var current: NodeElement
  private var currentTaken = 0

  /// The page where the gathering goes on.
  private(set) var waitsFor: UInt32

  /// How much of a record's value to gather: enough to reach a revision behind most keys, and all
  /// of a member, whose key is shorter than a revision's.
  private static func valuePrefix(keySize: Int) -> Int {
    keySize <= Finding.maximumIDSize ? Finding.maximumValueSize : 256
  }

  /// Begins with the node's first page; checks all elements' bounds.
  init(page: UInt32, first bytes: RawSpan, _ header: NodeHeader) throws(Defect) {
    self.page = page
    self.header = header
    pageSize = bytes.byteCount
    waitsFor = page
    guard header.count > 0 else { throw Defect(.span) }
    head = bytes.array(at: 0, count: header.dataOffset)

    let limit = (Int(header.overflow) + 1) * pageSize
    var offset = header.dataOffset
    for index in 0..<header.count {
      let element = try Self.element(index, head, header, at: offset, limit: limit)
      if element.flags == NodeElement.bucketFlag, element.valueSize > 16 + pageSize {
        throw Defect(.inlineBucket, element: index)
      }
      offset = element.end
    }
    guard Self.fits(end: offset, overflow: header.overflow, pageSize: pageSize) else {
      throw Defect(.span)
    }
    current = try Self.element(0, head, header, at: header.dataOffset, limit: limit)
  }

  /// Whether a node whose data end at `end` takes `overflow` further pages.
  ///
  /// bbolt rounds up to whole pages; before 2018 it took one page more for a node that filled its
  /// pages exactly.
  static func fits(end: Int, overflow: UInt32, pageSize: Int) -> Bool {
    Int(overflow) == (end - 1) / pageSize || Int(overflow) == end / pageSize
  }

  /// The memory it takes, in bytes.
  var byteCount: Int { 160 + head.count + gathered.count + places.count * 8 }

  /// Takes what it wants of page `number`, the one it waits for.
  ///
  /// - Returns: Whether all keys are there.
  mutating func gather(from bytes: RawSpan, page number: UInt32) -> Bool {
    let start = Int(number - page) * pageSize
    let limit = (Int(header.overflow) + 1) * pageSize
    while true {
      let wanted = current.keySize + Self.wantedOfValue(current)
      let from = current.keyOffset + currentTaken
      let upTo = min(current.keyOffset + wanted, start + pageSize)
      if from < upTo {
        gathered.append(contentsOf: bytes.extracting(from - start..<upTo - start))
        currentTaken += upTo - from
      }
      guard currentTaken == wanted else {
        waitsFor = page + UInt32((current.keyOffset + currentTaken) / pageSize)
        return false
      }
      places.append(gathered.count - wanted)
      guard
        places.count < header.count,
        let next = try? Self.element(  // cannot throw: all were checked when the node was opened
          places.count, head, header, at: current.end, limit: limit)
      else { return true }
      (current, currentTaken) = (next, 0)
    }
  }

  /// The gathered bytes, in which `forEachElement` placed the keys.
  func withGathered<Result>(
    _ body: (RawSpan) throws(Defect) -> Result
  ) throws(Defect) -> Result {
    try unsafe body(gathered.span.bytes)
  }

  private static func wantedOfValue(_ element: NodeElement) -> Int {
    element.flags == NodeElement.bucketFlag
      ? element.valueSize : min(element.valueSize, valuePrefix(keySize: element.keySize))
  }

  private static func element(
    _ index: Int, _ head: [UInt8], _ header: NodeHeader, at offset: Int, limit: Int
  ) throws(Defect) -> NodeElement {
    let bytes = unsafe head.span.bytes
    return header.flags == NodeHeader.leafFlag
      ? try NodeElement(leaf: bytes, index: index, expectedAt: offset, limit: limit)
      : try NodeElement(branch: bytes, index: index, expectedAt: offset, limit: limit)
  }

  /// Hands each element to `body` with the gathered bytes, where its key begins in them, and how much
  /// of its value follows.
  func forEachElement(
    _ body: (NodeElement, _ index: Int, RawSpan, _ key: Int, _ available: Int) throws(Defect) ->
      Void
  ) throws(Defect) {
    let limit = (Int(header.overflow) + 1) * pageSize
    var offset = header.dataOffset
    for (index, place) in places.enumerated() {
      let element = try Self.element(index, head, header, at: offset, limit: limit)
      try unsafe body(element, index, gathered.span.bytes, place, Self.wantedOfValue(element))
      offset = element.end
    }
  }
}

/// The open nodes, by the page each waits for: a binary heap, so that pages nobody waits for cost
/// nothing however many nodes a hostile file opens.
struct OpenNodes {
  private var heap: [OpenNode] = []
  private(set) var byteCount = 0

  mutating func insert(_ node: OpenNode) {
    byteCount += node.byteCount
    heap.append(node)
    var index = heap.count - 1
    while index > 0, heap[index].waitsFor < heap[(index - 1) / 2].waitsFor {
      heap.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  /// Removes a node that waits for `page`, if there is one.
  mutating func next(waitingFor page: UInt32) -> OpenNode? {
    guard let first = heap.first, first.waitsFor == page else { return nil }
    byteCount -= first.byteCount
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2]
      where child < heap.count && heap[child].waitsFor < heap[least].waitsFor {
        least = child
      }
      guard least != index else { return first }
      heap.swapAt(index, least)
      index = least
    }
  }
}
