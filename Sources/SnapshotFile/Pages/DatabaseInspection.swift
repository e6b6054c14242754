/// Judges a bbolt database while its bytes pass, in file order, once: sound or not, and what is in
/// it.
///
/// Which pages belong to the database is known only when the root's tree is, and the tree's pages
/// come in any order, between free pages full of stale nodes and pages inside a long value that may
/// look like anything. So nothing is trusted or rejected on the way. Wherever a header fits its
/// place, a node is read and checked as far as that goes by itself; sixteen bytes are kept of it
/// (`PageFact`), and of a branch its children (`ChildLists`). At the end, `TreeWalk` goes from the
/// root through what was kept, and only what it reaches has to be right.
///
/// What is checked is what bbolt always does, in every release that etcd 3 was built with:
/// - the data of a node follow each other without gaps and fill its pages;
/// - the elements of a node of several pages lie in its first page (`OpenNode`);
/// - a branch's key for a child is the child's first key. bbolt writes a branch anew together with
///   its child, with that key, and finds the child by it the next time. So the order of keys across
///   pages is a question of each leaf and the next, and branches need no more than a fingerprint.
///
/// And of etcd: the value of every revision is a message that a member can read, and of that revision
/// (`KeyValue`).
///
/// A branch that contradicts a child already seen cannot belong to a sound database, so its children
/// are not kept. What is kept stays below 24 bytes a page and one megabyte; a file that needs more
/// is refused (`BoltError.memoryLimitExceeded`). That takes making one up, or one deletion of millions of keys
/// (`PackedRevision`): the worst that real etcds were brought to otherwise, with half of all pages stale
/// branches, took 23 bytes a page in all.
///
/// After an error the inspection is of no use.
package struct DatabaseInspection: ~Copyable {
  private let firstMeta: MetaPage
  private var received: UInt64 = 0
  /// The beginning of a page whose end has not come yet.
  private var partial: [UInt8] = []
  /// Everything behind the two meta pages, once both have passed.
  private var pages: PageInspection?
  /// The number of the next page.
  private var next: UInt64 = 0

  /// Inspects a snapshot as etcd streams it, without the SHA-256 that follows the database. `meta` was
  /// read from its first bytes; they are still to be passed in.
  package init(startingWith meta: MetaPage) {
    firstMeta = meta
  }

  /// Inspects a file whose meta pages were both read before.
  init(readBefore meta: MetaPage) {
    firstMeta = meta
    pages = PageInspection(meta)
  }

  /// Takes the next bytes of the database, any number of them.
  package mutating func update(_ bytes: RawSpan) throws(BoltError) {
    received += UInt64(bytes.byteCount)
    var offset = 0
    while offset < bytes.byteCount {
      let wanted = firstMeta.pageSize
      if partial.isEmpty, bytes.byteCount - offset >= wanted {
        try takePage(bytes.extracting(offset..<offset + wanted))
        offset += wanted
        continue
      }
      let end = min(bytes.byteCount, offset + wanted - partial.count)
      partial.append(contentsOf: bytes.extracting(offset..<end))
      offset = end
      guard partial.count == wanted else { return }
      let page = partial
      partial.removeAll(keepingCapacity: true)
      try unsafe takePage(page.span.bytes)
    }
  }

  /// Takes the next bytes of the database, any number of them.
  package mutating func update(_ bytes: [UInt8]) throws(BoltError) {
    try update(unsafe bytes.span.bytes)
  }

  /// The report, if the database is sound and complete.
  package consuming func finish() throws(BoltError) -> DatabaseReport {
    guard let pages, next == pages.meta.highWaterMark, partial.isEmpty else {
      throw .ended(after: received, expected: firstMeta.databaseSize)
    }
    return try pages.judge()
  }

  /// Memory held about the pages so far, in bytes: at most 24 a page and one megabyte.
  package var heldByteCount: Int { pages?.heldByteCount ?? 0 }

  private mutating func takePage(_ bytes: RawSpan) throws(BoltError) {
    if next == 1, pages == nil {
      let second = try MetaPage(page: 1, bytes)
      guard firstMeta.isFollowed(by: second) else {
        throw .metasDisagree(newest: firstMeta.txid, other: second.txid)
      }
      pages = PageInspection(firstMeta)
    }
    if next >= 2 {
      guard next < firstMeta.highWaterMark else {
        throw .surplus(expected: firstMeta.databaseSize)
      }
      try pages?.take(bytes)
    }
    next += 1
  }
}
