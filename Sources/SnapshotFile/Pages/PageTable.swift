/// The facts of all pages passed so far, and what little does not fit into sixteen bytes of one.
struct PageTable {
  private var facts: [PageFact] = []
  /// Last keys too far from the first, and the last key of every leaf of words.
  private var words = Chunks<UInt64>()
  /// Overflows too long for a fact, in ascending order of pages.
  private var longSpans = Chunks<(page: UInt32, overflow: UInt32)>()
  /// Roots of buckets, of leaves that hold more than two.
  private var roots = Chunks<UInt32>()
  var names = Names()

  /// - Parameter pageCount: Pages in the file; the memory is touched as they come.
  init(pageCount: Int) {
    facts.reserveCapacity(pageCount)
  }

  var count: Int { facts.count }

  /// Bytes held beyond the sixteen for each page.
  var extraByteCount: Int {
    words.byteCount + longSpans.byteCount + roots.byteCount + names.byteCount
  }

  subscript(page: UInt32) -> PageFact { facts[Int(page)] }

  /// Adds the fact of the next page; its node continues into `overflow` pages.
  mutating func append(_ fact: PageFact, overflow: UInt32 = 0) {
    if overflow >= PageFact.longSpan {
      longSpans.append((page: UInt32(facts.count), overflow: overflow))
    }
    facts.append(fact)
  }

  /// Replaces the fact of a page whose node was incomplete.
  mutating func complete(_ page: UInt32, _ fact: PageFact) {
    facts[Int(page)] = fact
  }

  /// Pages that the node at `page` continues into.
  func overflow(of page: UInt32) -> UInt32 {
    let short = self[page].shortOverflow
    guard short == PageFact.longSpan else { return short }
    var range = 0..<longSpans.count
    while !range.isEmpty {
      let middle = (range.lowerBound + range.upperBound) / 2
      let span = longSpans[middle]
      if span.page == page { return span.overflow }
      range = span.page < page ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return short
  }

  // MARK: Leaves

  /// The fact of a leaf without buckets; `nil` keys if it is empty.
  mutating func leaf(
    count: Int, overflow: UInt32, first: Key?, last: Key?, holdsOnlyRevisions: Bool
  ) -> PageFact {
    switch (first, last) {
    case (.revision(let first), .revision(let last)):
      var fact = PageFact(
        .leafOfRevisions, count: count, overflow: overflow, flag: holdsOnlyRevisions)
      fact.long = first.bits
      switch Distance(from: first, to: last) {
      case .near(let bits): fact.third = bits
      case .elsewhere: fact.third = Distance.elsewhereTag << 30 | keepWord(last.bits)
      }
      return fact
    case (.word(let first), .word(let last)):
      var fact = PageFact(.leafOfWords, count: count, overflow: overflow)
      fact.long = first
      fact.third = keepWord(last)
      return fact
    case (let first?, let last?):
      var fact = PageFact(.leafOfNames, count: count, overflow: overflow, flag: holdsOnlyRevisions)
      fact.first = names.number(of: names.bytes(of: first))
      fact.second = names.number(of: names.bytes(of: last))
      return fact
    default:
      return PageFact(.leafOfNames, count: 0, overflow: overflow, flag: holdsOnlyRevisions)
    }
  }

  private mutating func keepWord(_ word: UInt64) -> UInt32 {
    words.append(word)
    return UInt32(words.count - 1)
  }

  /// The first key of a leaf; `nil` if it is empty or no leaf.
  func firstKey(of page: UInt32) -> Key? {
    let fact = self[page]
    guard fact.count > 0 else { return nil }
    return switch fact.kind {
    case .leafOfRevisions: .revision(PackedRevision(bits: fact.long))
    case .leafOfWords: .word(fact.long)
    case .leafOfNames: .name(fact.first)
    case .leafWithBuckets: .name(BucketOutline(names[fact.first]).firstKey)
    case .branch, .defective, .incomplete: nil
    }
  }

  /// The last key of a leaf; `nil` if it is empty or no leaf.
  func lastKey(of page: UInt32) -> Key? {
    let fact = self[page]
    guard fact.count > 0 else { return nil }
    switch fact.kind {
    case .leafOfRevisions:
      let first = PackedRevision(bits: fact.long)
      if let last = Distance.last(from: first, fact.third) { return .revision(last) }
      return .revision(PackedRevision(bits: words[Int(fact.third & 0x3FFF_FFFF)]))
    case .leafOfWords: return .word(words[Int(fact.third)])
    case .leafOfNames: return .name(fact.second)
    case .leafWithBuckets: return .name(BucketOutline(names[fact.first]).lastKey)
    case .branch, .defective, .incomplete: return nil
    }
  }

  // MARK: Leaves with buckets

  /// The fact of a leaf that holds buckets.
  mutating func leafWithBuckets(
    _ outline: BucketOutline, roots: [UInt32], count: Int, overflow: UInt32
  ) -> PageFact {
    var fact = PageFact(.leafWithBuckets, count: count, overflow: overflow)
    fact.first = names.number(of: outline.bytes)
    if roots.count <= 2 {
      fact.second = roots.first ?? 0
      fact.third = roots.count == 2 ? roots[1] : 0
    } else {
      fact.second = UInt32(self.roots.count)
      for root in roots { self.roots.append(root) }
    }
    return fact
  }

  /// The buckets in a leaf of kind `leafWithBuckets`, in order.
  func buckets(of page: UInt32) -> [BucketOutline.Bucket] {
    let fact = self[page]
    var buckets = BucketOutline(names[fact.first]).buckets
    let nested = buckets.indices.filter { buckets[$0].inline == nil }
    for (number, index) in nested.enumerated() {
      buckets[index].root =
        nested.count > 2
        ? roots[Int(fact.second) + number] : number == 0 ? fact.second : fact.third
    }
    return buckets
  }
}

/// The buckets of one leaf, without the pages where they begin: alike in all the stale versions of a
/// leaf, so that `Names` keeps it once.
struct BucketOutline {
  struct Bucket: Equatable {
    /// Its number in `Names`.
    let name: UInt32
    /// `nil` for a bucket with pages of its own.
    let inline: Inline?
    /// The page where a bucket that is not inline begins.
    var root: UInt32 = 0
  }

  /// A bucket whose only leaf lies in its value.
  struct Inline: Equatable {
    let count: Int
    let holdsOnlyRevisions: Bool
  }

  let firstKey: UInt32
  let lastKey: UInt32
  var buckets: [Bucket] = []

  init(firstKey: UInt32, lastKey: UInt32) {
    self.firstKey = firstKey
    self.lastKey = lastKey
  }

  private static let notInline = UInt32.max

  init(_ bytes: [UInt8]) {
    let words = unsafe bytes.span.bytes
    firstKey = words.uint32(at: 0)
    lastKey = words.uint32(at: 4)
    for offset in stride(from: 8, to: bytes.count, by: 8) {
      let inline = words.uint32(at: offset + 4)
      buckets.append(
        Bucket(
          name: words.uint32(at: offset),
          inline: inline == Self.notInline
            ? nil : Inline(count: Int(inline >> 1), holdsOnlyRevisions: inline & 1 == 1)))
    }
  }

  var bytes: [UInt8] {
    var words = [firstKey, lastKey]
    for bucket in buckets {
      words.append(bucket.name)
      words.append(
        bucket.inline.map { UInt32($0.count) << 1 | ($0.holdsOnlyRevisions ? 1 : 0) }
          ?? Self.notInline)
    }
    return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
  }
}
