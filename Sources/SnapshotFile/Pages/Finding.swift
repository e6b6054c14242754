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
  /// Whether `value` is all of it; one that is not cannot be kept.
  let isWhole: Bool

  /// Makes one of a record; `value` is `nil` if it is too large.
  init(key: [UInt8], value: [UInt8]?) {
    (self.key, self.value) = (key, value ?? [])
    (isLastKey, isWhole) = (false, value != nil)
  }

  init(lastKey: [UInt8]) {
    (key, value) = (lastKey, [])
    (isLastKey, isWhole) = (true, true)
  }

  func inBucket(_ name: [UInt8]) -> Finding {
    var finding = self
    finding.bucket = name
    return finding
  }

  /// Larger values are none of ours; a member's addresses fit well.
  static let maximumValueSize = 4096
  /// A member's id has sixteen hexadecimal digits or fewer.
  static let maximumIDSize = 16

  /// The memory it takes, in bytes.
  var byteCount: Int { 160 + key.count + value.count + (bucket?.count ?? 0) }

  private static let wanted: [[UInt8]] = [
    "authEnabled", "clusterVersion", "consistent_index", "term", "storageVersion",
    "scheduledCompactRev", "finishedCompactRev",
  ].map { Array($0.utf8) }

  /// Whether the key of `count` bytes at `offset` is the name of a fact about the cluster, or a
  /// member's id: sixteen hexadecimal digits or fewer; or an alarm.
  static func isWanted(_ bytes: RawSpan, at offset: Int, count: Int) -> Bool {
    guard (1...19).contains(count) else { return false }
    switch bytes.byte(at: offset) {
    case 0x30...0x7A: break
    case 0x08, 0x10:
      return count <= Alarm.maximumKeySize
        && Alarm(key: bytes.array(at: offset, count: count)) != nil
    default: return false
    }
    let key = bytes.array(at: offset, count: count)
    return wanted.contains(key)
      || count <= maximumIDSize
        && key.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}

/// The findings kept so far, within bounds.
///
/// etcd's small buckets lie inline in the one leaf at the root, so once that leaf has passed, stale
/// versions of it need no keeping. Whatever is beyond the bounds is dropped, and its page noted: a
/// report that needs it cannot be made, since what it would say instead is wrong.
struct Findings {
  private(set) var all: [Finding] = []
  private var inlineByteCount = 0
  private var otherByteCount = 0
  private var rootIsLeaf = false
  /// Pages of which a finding was dropped, once there is one.
  private var lacking: PageSet?
  private let pageCount: Int

  /// Bytes for those in inline buckets, of which there may be thousands of stale versions, and as many
  /// for all others, which those must not displace.
  static let limit = 1 << 18

  /// The buckets that have records which the report tells.
  private static let buckets = ["meta", "cluster", "auth", "members", Alarm.bucket].map {
    Array($0.utf8)
  }

  init(pageCount: Int) { self.pageCount = pageCount }

  /// Bytes held.
  var byteCount: Int {
    inlineByteCount + otherByteCount + (lacking == nil ? 0 : pageCount / 8)
  }

  /// Whether the report needs findings of the top-level bucket with this name.
  static func areWanted(in bucket: [UInt8]?) -> Bool { bucket.map(buckets.contains) ?? false }

  /// Whether a finding of `page` was dropped.
  func lacks(_ page: UInt32) -> Bool { lacking?.contains(page) ?? false }

  mutating func add(_ new: [Finding], page: UInt32, isRoot: Bool) {
    if isRoot {
      rootIsLeaf = true
      all.removeAll { $0.bucket != nil }
      inlineByteCount = 0
    }
    for var finding in new where isNeeded(finding, isRoot: isRoot) {
      let isInline = finding.bucket != nil
      let held = isInline ? inlineByteCount : otherByteCount
      guard finding.isWhole, isRoot || held + finding.byteCount <= Self.limit else {
        drop(page)
        continue
      }
      finding.page = page
      if isInline {
        inlineByteCount += finding.byteCount
      } else {
        otherByteCount += finding.byteCount
      }
      all.append(finding)
    }
  }

  /// Whether the report may need a finding; which bucket's page it is in is known only at the end.
  private func isNeeded(_ finding: Finding, isRoot: Bool) -> Bool {
    guard let bucket = finding.bucket else { return true }
    guard isRoot || !rootIsLeaf else { return false }  // a stale version of the leaf at the root
    return finding.isLastKey
      ? bucket == ReportBuilder.revisionBucketBytes : Self.areWanted(in: bucket)
  }

  private mutating func drop(_ page: UInt32) {
    var pages = lacking ?? PageSet(pageCount: pageCount)
    lacking = nil  // so that there is one owner
    pages.insert(page)
    lacking = pages
  }
}
