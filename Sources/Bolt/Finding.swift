/// A record that the report may want, kept until it is known whether its page is in use.
struct Finding {
  /// The page it is in.
  var page: UInt32 = 0
  /// The inline bucket that it is in, if any.
  private(set) var bucket: [UInt8]?
  let key: [UInt8]
  let value: [UInt8]
  /// Whether `key` is the last of an inline bucket of revisions.
  let isLastKey: Bool

  init(key: [UInt8], value: [UInt8]) {
    (self.key, self.value) = (key, value)
    isLastKey = false
  }

  init(lastKey: [UInt8]) {
    (key, value) = (lastKey, [])
    isLastKey = true
  }

  func inBucket(_ name: [UInt8]) -> Finding {
    var finding = self
    finding.bucket = name
    return finding
  }

  /// Larger values are none of ours; a member's addresses fit well.
  static let maximumValueSize = 4096

  /// The memory it takes, in bytes.
  var byteCount: Int { 160 + key.count + value.count + (bucket?.count ?? 0) }

  private static let wanted: [[UInt8]] = [
    "authEnabled", "clusterVersion", "consistent_index", "term", "storageVersion",
    "scheduledCompactRev", "finishedCompactRev",
  ].map { Array($0.utf8) }

  /// Whether the key of `count` bytes at `offset` is the name of a fact about the cluster, or a
  /// member's id: sixteen hexadecimal digits or fewer.
  static func isWanted(_ bytes: RawSpan, at offset: Int, count: Int) -> Bool {
    guard count <= 19, (0x30...0x7A).contains(bytes.byte(at: offset)) else { return false }
    let key = bytes.array(at: offset, count: count)
    return wanted.contains(key)
      || count <= 16 && key.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}

/// The findings kept so far, within bounds.
///
/// etcd's small buckets lie inline in the one leaf at the root, so once that leaf has passed, stale
/// versions of it need no keeping. Where the root is a branch instead, findings beyond the bound are
/// dropped, and the report lacks what they would have told; soundness does not depend on them.
struct Findings {
  private(set) var all: [Finding] = []
  private(set) var byteCount = 0
  private var rootIsLeaf = false

  private static let limit = 1 << 19

  mutating func add(_ new: [Finding], page: UInt32, isRoot: Bool) {
    if isRoot {
      rootIsLeaf = true
      all.removeAll { $0.bucket != nil }
      byteCount = all.reduce(0) { $0 + $1.byteCount }
    }
    for var finding in new {
      let isStale = finding.bucket != nil && rootIsLeaf && !isRoot
      let fits = isRoot || byteCount + finding.byteCount <= Self.limit
      guard !isStale, fits else { continue }
      finding.page = page
      byteCount += finding.byteCount
      all.append(finding)
    }
  }
}
