/// What is kept of one page until the tree is known: sixteen bytes.
///
/// | kind | payload |
/// | --- | --- |
/// | leaf of revisions | first key (64 bits), distance to the last key (32 bits, see `Distance`) |
/// | leaf of words | first key (64 bits), index of the last key in `PageFacts.words` |
/// | leaf of names | numbers of the first and the last key |
/// | leaf with buckets | number of its outline in `Names`, up to two roots or where they are |
/// | branch | fingerprint of its children (64 bits), where `ChildLists` has them |
/// | anything else | what is wrong with it, a `Defect` |
struct PageFact {
  enum Kind: UInt32 {
    case defective, leafOfRevisions, leafOfWords, leafOfNames, leafWithBuckets, branch, incomplete
  }

  /// Kind (4 bits), flag (1), overflow (11), count (16).
  private var header: UInt32
  private var payload: (UInt32, UInt32, UInt32)

  /// The value of the 11 bits when the overflow is kept in `PageFacts.longSpans`.
  static let longSpan: UInt32 = 0x7FF

  init(_ kind: Kind, count: Int, overflow: UInt32, flag: Bool = false) {
    header =
      kind.rawValue | (flag ? 1 << 4 : 0) | min(overflow, Self.longSpan) << 5 | UInt32(count) << 16
    payload = (0, 0, 0)
  }

  init(_ defect: Defect) {
    self.init(.defective, count: 0, overflow: 0)
    payload = (defect.kind.rawValue, defect.element, defect.other)
  }

  var kind: Kind { Kind(rawValue: header & 0xF) ?? .defective }
  var shortOverflow: UInt32 { header >> 5 & Self.longSpan }
  var count: Int { Int(header >> 16) }

  /// Of a leaf: every record is a revision that fits its value.
  var flag: Bool { header >> 4 & 1 == 1 }

  var long: UInt64 {
    get { UInt64(payload.0) << 32 | UInt64(payload.1) }
    set {
      payload.0 = UInt32(newValue >> 32)
      payload.1 = UInt32(truncatingIfNeeded: newValue)
    }
  }
  var first: UInt32 {
    get { payload.0 }
    set { payload.0 = newValue }
  }
  var second: UInt32 {
    get { payload.1 }
    set { payload.1 = newValue }
  }
  var third: UInt32 {
    get { payload.2 }
    set { payload.2 = newValue }
  }

  /// What is wrong with a page of kind `defective`.
  var defect: Defect {
    Defect(
      Defect.Kind(rawValue: payload.0) ?? .noNode, element: Int(payload.1),
      other: UInt64(payload.2))
  }
}

/// How far a leaf's last revision is from its first, in 32 bits: the two highest say how the rest
/// is divided. What fits no division is kept in 64 bits elsewhere.
enum Distance: Equatable {
  case near(UInt32)
  case elsewhere

  /// Bits for the sub revision in each division; the main revision's difference takes the others.
  private static let divisions: [(subBits: UInt64, tag: UInt32)] = [
    (7, 0), (0, 1), (PackedRevision.subBits, 2),
  ]
  static let elsewhereTag: UInt32 = 3

  init(from first: PackedRevision, to last: PackedRevision) {
    let distance = last.main &- first.main
    for (subBits, tag) in Self.divisions
    where last.sub < 1 << subBits && distance < 1 << (29 - subBits) {
      let bits = distance << (subBits + 1) | last.sub << 1 | (last.isTombstone ? 1 : 0)
      self = .near(tag << 30 | UInt32(bits))
      return
    }
    self = .elsewhere
  }

  /// The last revision, from the 32 bits of `near`.
  static func last(from first: PackedRevision, _ near: UInt32) -> PackedRevision? {
    guard let (subBits, _) = divisions.first(where: { $0.tag == near >> 30 }) else { return nil }
    let bits = UInt64(near & 0x3FFF_FFFF)
    return PackedRevision(
      main: first.main &+ bits >> (subBits + 1), sub: bits >> 1 & (1 << subBits - 1),
      isTombstone: bits & 1 == 1)
  }
}
