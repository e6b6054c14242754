/// Judges the facts of all pages: goes from the root to every page in use, and checks what no page
/// shows by itself.
///
/// Leaves are met in the order of their keys. Every page is met at most once, so the walk ends whatever
/// the facts say.
struct TreeWalk {
  private let meta: MetaPage
  private let table: PageTable
  private let lists: ChildLists
  private let fingerprints: Fingerprints
  private let findings: Findings
  /// The findings by the page they are in.
  private let found: [UInt32: [Finding]]
  private var used: PageSet
  private var places: [Place] = []
  /// Why there can be no report although no defect was found.
  private var undecided: BoltError?

  /// bbolt's trees fan out at least in two, so one of 2^26 pages is not deeper.
  static let maximumDepth = 64

  init(
    meta: MetaPage, table: PageTable, lists: ChildLists, fingerprints: Fingerprints,
    findings: Findings
  ) {
    self.meta = meta
    self.table = table
    self.lists = lists
    self.fingerprints = fingerprints
    self.findings = findings
    found = Dictionary(grouping: findings.all, by: \.page)
    used = PageSet(pageCount: Int(meta.highWaterMark))
  }

  /// A bucket with pages of its own, by its name and the bucket that it is in.
  ///
  /// Paths share what they have in common: written out, those of buckets nested deeply enough take
  /// many times the file's size.
  private struct Place {
    /// Its number in `Names`.
    let name: UInt32
    /// An index into `places`; `topLevel` where the bucket is in none.
    let parent: UInt32
    /// The page where it begins.
    let root: UInt32

    static let topLevel = UInt32.max
  }

  /// What a walk through the tree of one bucket tells.
  struct Bucket {
    var records = 0
    var lastKey: Key?
    var findings: [Finding] = []
    /// Buckets in its leaves, in order.
    var buckets: [BucketOutline.Bucket] = []
  }

  /// Walks through everything and says what is there. A defect, wherever it is, comes before what
  /// leaves the database undecided.
  mutating func report(freelist: FreelistReader?) throws(BoltError) -> DatabaseReport {
    var builder = ReportBuilder(meta: meta)
    let root = try walk(from: UInt32(meta.root), bucket: nil)
    var nested: [UInt32] = []
    for bucket in root.buckets {
      let name = table.names[bucket.name]
      let path = String(decoding: name, as: UTF8.self)
      if let inline = bucket.inline {
        if path == ReportBuilder.revisionBucket, !inline.holdsOnlyRevisions {
          throw .unsound(page: meta.root, bucket: path, Defect(.record))
        }
        builder.add(
          path, records: inline.count, lastKey: nil,
          findings: root.findings.filter { $0.bucket == name })
      } else {
        let place = add(bucket, in: Place.topLevel)
        let tree = try walk(from: bucket.root, bucket: place)
        builder.add(
          path, records: tree.records, lastKey: tree.lastKey.map(table.names.bytes(of:)),
          findings: tree.findings.filter { $0.bucket == nil })
        nested += addSubtrees(of: tree, in: place)
      }
    }
    while let place = nested.popLast() {
      let tree = try walk(from: places[Int(place)].root, bucket: place)
      nested += addSubtrees(of: tree, in: place)
    }
    if let freelist { try check(freelist) }
    let report = try builder.finish(pagesInUse: used.count + 2)
    if let undecided { throw undecided }
    return report
  }

  private mutating func add(_ bucket: BucketOutline.Bucket, in parent: UInt32) -> UInt32 {
    places.append(Place(name: bucket.name, parent: parent, root: bucket.root))
    return UInt32(places.count - 1)
  }

  private mutating func addSubtrees(of bucket: Bucket, in place: UInt32) -> [UInt32] {
    var added: [UInt32] = []
    for bucket in bucket.buckets where bucket.inline == nil { added.append(add(bucket, in: place)) }
    return added
  }

  // MARK: Names of buckets

  /// The name of a top-level bucket; `nil` for any other.
  private func topLevelName(_ bucket: UInt32?) -> [UInt8]? {
    guard let bucket, places[Int(bucket)].parent == Place.topLevel else { return nil }
    return table.names[places[Int(bucket)].name]
  }

  /// A bucket's path as an error tells it: names and paths may be of any length, an error may not.
  private func path(of bucket: UInt32) -> String {
    var names: [UInt32] = []
    var next = bucket
    while next != Place.topLevel {
      names.append(places[Int(next)].name)
      next = places[Int(next)].parent
    }
    names.reverse()
    func text(_ names: some Collection<UInt32>) -> [String] {
      names.map { Self.short(table.names[$0]) }
    }
    let parts =
      names.count <= Self.maximumPathNames
      ? text(names) : text(names.prefix(1)) + ["\u{2026}"] + text(names.suffix(2))
    return parts.joined(separator: "/")
  }

  private static let maximumPathNames = 4
  private static let maximumNameBytes = 64

  private static func short(_ name: [UInt8]) -> String {
    let isShort = name.count <= maximumNameBytes
    return String(decoding: name.prefix(maximumNameBytes), as: UTF8.self)
      + (isShort ? "" : "\u{2026}")
  }

  // MARK: One bucket's tree

  private struct Frame {
    let branch: UInt32
    let children: [UInt32]
    /// The child being walked through.
    var position = 0
    /// The fingerprint of the subtree's first key, known when its first leaf is.
    var firstKey: UInt64?
    /// Adds up to the branch's fingerprint if its children are what it says.
    var fingerprint: UInt64 = 0
  }

  /// Walks through the tree of the bucket at `place`; `nil` is the tree of buckets itself.
  private mutating func walk(
    from root: UInt32, bucket place: UInt32?
  ) throws(BoltError) -> Bucket {
    let name = topLevelName(place)
    var bucket = Bucket()
    var frames: [Frame] = []
    /// The leaf met before, and its last key.
    var left: (page: UInt32, last: Key)?
    var page = root
    while true {
      let fact = try enter(page, bucket: place)
      if fact.kind == .branch {
        guard frames.count < Self.maximumDepth else {
          throw unsound(page, place, Defect(.tooDeep))
        }
        let children = lists.children(at: fact.third)
        frames.append(Frame(branch: page, children: children))
        page = children[0]
        continue
      }

      guard let first = table.firstKey(of: page), let last = table.lastKey(of: page) else {
        guard frames.isEmpty else { throw unsound(page, place, Defect(.empty)) }
        return bucket
      }
      if let left, !table.names.precedes(left.last, first) {
        throw unsound(left.page, place, Defect(.keysOverlap, other: UInt64(page)))
      }
      if name == ReportBuilder.revisionBucketBytes, !fact.flag {
        throw unsound(page, place, Defect(.record))
      }
      left = (page, last)
      bucket.lastKey = last
      bucket.records += fact.count
      if let found = found[page] { bucket.findings += found }
      let buckets = fact.kind == .leafWithBuckets ? table.buckets(of: page) : []
      guard place != nil || buckets.count == fact.count else {
        throw unsound(page, place, Defect(.recordAmongBuckets))
      }
      if findings.lacks(page), place == nil || Findings.areWanted(in: name) {
        undecided = undecided ?? .memoryLimitExceeded(page: UInt64(page), limit: Findings.limit)
      }
      bucket.buckets += buckets

      guard let sibling = try leave(&frames, firstKey: fingerprints.key(first, table.names), place)
      else { return bucket }
      page = sibling
    }
  }

  /// Checks that the page may be used and marks all its pages as used.
  private mutating func enter(_ page: UInt32, bucket: UInt32?) throws(BoltError) -> PageFact {
    let fact = table[page]
    guard fact.kind != .defective, fact.kind != .incomplete else {
      let culprit = culprit(page)
      throw unsound(culprit, bucket, table[culprit].defect)
    }
    for part in page...page + table.overflow(of: page) {
      guard used.insert(part) else { throw unsound(part, bucket, Defect(.usedTwice)) }
    }
    return fact
  }

  /// The page to blame for a defective one: a branch is refused for a child that it disagrees with,
  /// and the child may be the broken one, or a branch refused in turn.
  private func culprit(_ page: UInt32) -> UInt32 {
    var page = page
    for _ in 0..<Self.maximumDepth {
      let defect = table[page].defect
      guard defect.kind == .childDisagrees, table[defect.other].kind == .defective else { break }
      page = defect.other
    }
    return page
  }

  /// Goes up from a finished child to the nearest branch with a child left, checking the branches that
  /// are finished with it.
  ///
  /// - Returns: The next child; `nil` when the tree is finished.
  private func leave(
    _ frames: inout [Frame], firstKey: UInt64, _ bucket: UInt32?
  ) throws(BoltError) -> UInt32? {
    var firstKey = firstKey
    while var frame = frames.popLast() {
      frame.fingerprint &+= fingerprints.child(frame.children[frame.position], firstKey: firstKey)
      if frame.firstKey == nil { frame.firstKey = firstKey }
      frame.position += 1
      guard frame.position == frame.children.count else {
        let next = frame.children[frame.position]
        frames.append(frame)
        return next
      }
      guard frame.fingerprint == table[frame.branch].long else {
        throw unsound(frame.branch, bucket, Defect(.keysDisagree))
      }
      firstKey = frame.firstKey ?? firstKey
    }
    return nil
  }

  private func unsound(_ page: UInt32, _ bucket: UInt32?, _ defect: Defect) -> BoltError {
    .unsound(page: UInt64(page), bucket: bucket.map(path(of:)), defect)
  }

  // MARK: The list of free pages

  /// Checks that every page is either in use or free.
  private mutating func check(_ freelist: FreelistReader) throws(BoltError) {
    for page in freelist.page...freelist.page + freelist.overflow {
      guard used.insert(page) else { throw unsound(page, nil, Defect(.usedTwice)) }
    }
    for page in 2..<UInt32(meta.highWaterMark) {
      switch (used.contains(page), freelist.free.contains(page)) {
      case (true, true): throw unsound(page, nil, Defect(.freeButUsed))
      case (false, false): throw unsound(page, nil, Defect(.neitherFreeNorUsed))
      default: break
      }
    }
  }
}
