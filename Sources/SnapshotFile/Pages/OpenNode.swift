/// A node of several pages whose keys have not all passed yet.
///
/// Its keys lie between its values, so they are gathered while the pages pass, with no more of the
/// values than a check needs: the values of revisions are read on the way, field by field, and not
/// kept. bbolt splits a node of more than four elements into single pages, so one of its is small. More
/// elements are read as well, as many as the first page has room for: what made-up nodes may take
/// together is bounded by `PageInspection`.
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
  /// The element being gathered, and what of it.
  private var current: NodeElement
  private var part = Part.key
  /// What is gathered next, from the node's beginning.
  private var wanted: Range<Int>
  /// Of the message being read, what is there of the bytes from its next field on.
  private var ahead: [UInt8] = []
  /// Whether the values of all revisions so far fit their keys.
  private var valuesFit = true
  /// Whether Kubernetes encrypted one of them.
  private(set) var holdsEncryptedValue = false

  private enum Part {
    case key, value
    /// The value of a revision.
    case message(KeyValue)
  }

  /// The page where the gathering goes on.
  private(set) var waitsFor: UInt32

  /// How much to gather of the value of a record that is no revision: what the report may want, of
  /// which members are the largest, by keys that are shorter than the others.
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
    wanted = header.dataOffset..<header.dataOffset
    begin(current)
  }

  /// Whether a node whose data end at `end` takes `overflow` further pages.
  ///
  /// bbolt rounds up to whole pages; before 2018 it took one page more for a node that filled its
  /// pages exactly.
  static func fits(end: Int, overflow: UInt32, pageSize: Int) -> Bool {
    Int(overflow) == (end - 1) / pageSize || Int(overflow) == end / pageSize
  }

  /// The memory it takes, in bytes.
  var byteCount: Int {
    MemoryLayout<Self>.size + 4 * Self.arrayHeader + head.count + gathered.count + places.count * 8
      + ahead.count
  }

  /// What an array takes beside its elements.
  private static let arrayHeader = 32

  /// Takes what it wants of page `number`, the one it waits for.
  ///
  /// - Returns: Whether all keys are there, and all values of revisions were read.
  mutating func gather(from bytes: RawSpan, page number: UInt32) -> Bool {
    let start = Int(number - page) * pageSize
    repeat {
      let upTo = min(wanted.upperBound, start + pageSize)
      if wanted.lowerBound < upTo {
        let taken = bytes.extracting(wanted.lowerBound - start..<upTo - start)
        if case .message = part {
          ahead.append(contentsOf: taken)
        } else {
          gathered.append(contentsOf: taken)
        }
        wanted = upTo..<wanted.upperBound
      }
      guard wanted.isEmpty else {
        waitsFor = page + UInt32(wanted.lowerBound / pageSize)
        return false
      }
    } while goOn()
    return true
  }

  /// Says what is wanted next; `false` if nothing is.
  private mutating func goOn() -> Bool {
    switch part {
    case .key where isRevision(places.count - 1, current):
      if readMessage(KeyValue(size: current.valueSize)) { return true }
    case .key:
      let value = current.keyOffset + current.keySize
      part = .value
      wanted = value..<value + Self.wantedOfValue(current)
      return true
    case .message(let message):
      if readMessage(message) { return true }
    case .value: break
    }
    let limit = (Int(header.overflow) + 1) * pageSize
    guard
      places.count < header.count,
      let next = try? Self.element(  // cannot throw: all were checked when the node was opened
        places.count, head, header, at: current.end, limit: limit)
    else { return false }
    begin(next)
    return true
  }

  private mutating func begin(_ element: NodeElement) {
    current = element
    part = .key
    places.append(gathered.count)
    wanted = element.keyOffset..<element.keyOffset + element.keySize
  }

  /// Reads the fields of the current revision's value that are there.
  ///
  /// - Returns: Whether more of it is wanted.
  private mutating func readMessage(_ message: KeyValue) -> Bool {
    var message = message
    while message.offset < message.size {
      let needed = min(KeyValue.maximumHeadSize, message.size - message.offset)
      guard ahead.count >= needed else {
        let next = current.keyOffset + current.keySize + message.offset
        wanted = next + ahead.count..<next + needed
        part = .message(message)
        return true
      }
      let before = message.offset
      guard unsafe message.readField(ahead.span.bytes, at: 0) else { break }
      ahead.removeFirst(min(ahead.count, message.offset - before))
    }
    ahead.removeAll(keepingCapacity: true)
    let fits = withKey(places.count - 1) { bytes, key in
      message.fits(
        revision: bytes.bigEndian64(at: key), isTombstone: current.keySize == 18)
    }
    valuesFit = valuesFit && fits
    if message.isEncrypted { holdsEncryptedValue = true }
    return false
  }

  /// Whether element `index`, whose key is there, is a revision's record.
  private func isRevision(_ index: Int, _ element: NodeElement) -> Bool {
    guard header.flags == NodeHeader.leafFlag, element.flags == 0 else { return false }
    return withKey(index) { bytes, key in
      PackedRevision.isRevision(bytes, at: key, count: element.keySize)
    }
  }

  private func withKey<Result>(_ index: Int, _ body: (RawSpan, _ at: Int) -> Result) -> Result {
    unsafe body(gathered.span.bytes, places[index])
  }

  /// The gathered bytes, in which `forEachElement` placed the keys.
  func withGathered<Result>(
    _ body: (RawSpan) throws(Defect) -> Result
  ) throws(Defect) -> Result {
    try unsafe body(gathered.span.bytes)
  }

  /// How much to gather of the value of an element that is no revision's record.
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

  /// Hands each element to `body` with the gathered bytes, where its key begins in them, how much of
  /// its value follows, and, of a revision, whether the value fits it.
  func forEachElement(
    _ body: (
      NodeElement, _ index: Int, RawSpan, _ key: Int, _ available: Int, _ valueFits: Bool?
    ) throws(Defect) -> Void
  ) throws(Defect) {
    let limit = (Int(header.overflow) + 1) * pageSize
    var offset = header.dataOffset
    for (index, place) in places.enumerated() {
      let element = try Self.element(index, head, header, at: offset, limit: limit)
      let isRevision = isRevision(index, element)
      try unsafe body(
        element, index, gathered.span.bytes, place, isRevision ? 0 : Self.wantedOfValue(element),
        isRevision ? valuesFit : nil)
      offset = element.end
    }
  }
}

/// The open nodes, by the page each waits for: a binary heap, so that pages without a waiting node cost
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
