/// The lists of children of all branches seen, living and stale, in about four bytes a page.
///
/// Which branches belong to the tree is known only at the end, and bbolt copies on write: a file can
/// hold thousands of stale versions of one branch, each with a hundred children. Kept one by one they
/// would not fit any bound. But the versions differ in a child or two. So a page keeps which page
/// stood before it in the first list that named it (its *link*), and a list is kept as its last
/// child, from which the links lead back to the first; where a list differs from the links already
/// there, only the difference is kept (its *exceptions*).
struct ChildLists {
  /// By page: the sibling before it, or 0 if no list has said so yet.
  private var links: [UInt32] = []

  /// Where the exceptions of a branch begin, in ascending order of the branches.
  private var index = Chunks<(branch: UInt32, start: UInt32)>()
  /// The same for branches of several pages, which are complete only after later ones.
  private var lateIndex: [UInt32: UInt32] = [:]
  /// For each branch: how many words follow, then pairs of (position in the list, page before it)
  /// from the last to the first. Or, when that is shorter, `wholeList` and the list itself.
  private var exceptions = Chunks<UInt32>()

  private static let wholeList = UInt32.max

  /// - Parameter pageCount: Pages in the file: no child is beyond it.
  init(pageCount: Int) {
    links.reserveCapacity(pageCount)  // touched only as far as children are named
  }

  /// Bytes held beyond the four for each page.
  var extraByteCount: Int {
    index.byteCount + exceptions.byteCount + lateIndex.count * 32
  }

  /// Keeps the children of `branch`.
  ///
  /// - Returns: Whether there are exceptions, which `Cursor` wants to know again.
  mutating func store(_ children: [UInt32], of branch: UInt32) -> Bool {
    guard let highest = children.max() else { return false }
    if Int(highest) >= links.count {
      links.append(contentsOf: repeatElement(0, count: Int(highest) + 1 - links.count))
    }
    var differing = 0
    for position in children.indices.dropFirst() {
      let (child, before) = (Int(children[position]), children[position - 1])
      if links[child] == 0 {
        links[child] = before
      } else if links[child] != before {
        differing += 1
      }
    }
    guard differing > 0 else { return false }

    let start = UInt32(exceptions.count)
    if index.count == 0 || index[index.count - 1].branch < branch {
      index.append((branch: branch, start: start))
    } else {
      lateIndex[branch] = start
    }
    guard differing * 2 < children.count else {
      exceptions.append(Self.wholeList)
      for child in children { exceptions.append(child) }
      return true
    }
    exceptions.append(UInt32(differing * 2))
    for position in children.indices.dropFirst().reversed() {
      let before = children[position - 1]
      guard links[Int(children[position])] != before else { continue }
      exceptions.append(UInt32(position))
      exceptions.append(before)
    }
    return true
  }

  /// A place in a branch's list of children, which goes from the last to the first.
  struct Cursor {
    fileprivate(set) var child: UInt32
    fileprivate(set) var position: Int
    /// The next exception, and where they end; `nil` if the list follows the links.
    fileprivate var next = 0
    fileprivate var end = 0
    fileprivate var whole: Int?
  }

  /// Starts at the last of the `count` children of `branch`.
  func cursor(branch: UInt32, last: UInt32, count: Int, hasExceptions: Bool) -> Cursor {
    var cursor = Cursor(child: last, position: count - 1)
    guard hasExceptions, let start = exceptionsStart(of: branch) else { return cursor }
    if exceptions[start] == Self.wholeList {
      cursor.whole = start + 1
    } else {
      cursor.next = start + 1
      cursor.end = start + 1 + Int(exceptions[start])
    }
    return cursor
  }

  /// Steps to the child before; the cursor must not be at the first.
  func step(_ cursor: inout Cursor) {
    if let whole = cursor.whole {
      cursor.child = exceptions[whole + cursor.position - 1]
    } else if cursor.next < cursor.end, exceptions[cursor.next] == UInt32(cursor.position) {
      cursor.child = exceptions[cursor.next + 1]
      cursor.next += 2
    } else {
      cursor.child = links[Int(cursor.child)]
    }
    cursor.position -= 1
  }

  private func exceptionsStart(of branch: UInt32) -> Int? {
    var range = 0..<index.count
    while let middle = range.isEmpty ? nil : (range.lowerBound + range.upperBound) / 2 {
      let entry = index[middle]
      if entry.branch == branch { return Int(entry.start) }
      range = entry.branch < branch ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return lateIndex[branch].map { Int($0) }
  }
}
