/// One bit for each page.
struct PageSet {
  private var words: [UInt64]
  private(set) var count = 0

  init(pageCount: Int) {
    words = Array(repeating: 0, count: (pageCount + 63) / 64)
  }

  func contains(_ page: UInt32) -> Bool {
    words[Int(page / 64)] >> UInt64(page % 64) & 1 == 1
  }

  /// - Returns: Whether the page was not in the set before.
  @discardableResult
  mutating func insert(_ page: UInt32) -> Bool {
    guard !contains(page) else { return false }
    words[Int(page / 64)] |= 1 << UInt64(page % 64)
    count += 1
    return true
  }
}

/// Reads the list of free pages while its pages pass, if the file has one.
///
/// The list is an array of page numbers in ascending order, which may go on over many pages. See
/// bbolt's `freelist.go`.
struct FreelistReader {
  /// The list's first page.
  let page: UInt32
  private(set) var overflow: UInt32 = 0
  private(set) var free: PageSet
  private var remaining: UInt64 = 0
  private var previous: UInt64 = 1
  private var position = 0
  private let pageCount: UInt64

  /// The count in the header that says: the true count is the first number of the array.
  private static let countFollows = 0xFFFF

  init(page: UInt32, pageCount: UInt64) {
    self.page = page
    self.pageCount = pageCount
    free = PageSet(pageCount: Int(pageCount))
  }

  /// Whether page `number` is one of the list's; known once its first page was read.
  func covers(_ number: UInt32) -> Bool {
    number >= page && number - page <= overflow
  }

  /// Takes page `number`, one of the list's.
  mutating func read(_ bytes: RawSpan, page number: UInt32) throws(Defect) {
    var offset = 0
    if number == page {
      let header = NodeHeader(bytes)
      guard header.id == UInt64(page) else { throw Defect(.noNode) }
      guard
        header.flags == NodeHeader.freelistFlag,
        UInt64(header.overflow) < pageCount - UInt64(page)
      else { throw Defect(.freelist) }
      overflow = header.overflow
      remaining = UInt64(header.count)
      offset = NodeHeader.byteCount
      if header.count == Self.countFollows {
        remaining = bytes.uint64(at: offset)
        offset += 8
      }
      let room = (Int(overflow) + 1) * bytes.byteCount - offset
      guard remaining <= UInt64(room / 8) else { throw Defect(.freelist) }
    }
    while remaining > 0, offset < bytes.byteCount {
      let freePage = bytes.uint64(at: offset)
      guard freePage > previous, freePage < pageCount else {
        throw Defect(.freelist, element: position)
      }
      free.insert(UInt32(freePage))
      previous = freePage
      position += 1
      remaining -= 1
      offset += 8
    }
  }
}
