/// A node's first or last key, small enough to be kept for every page and still exact.
///
/// Which bucket a page belongs to is known only at the end, so the form of the key decides how it is
/// kept. Almost every page of an etcd database holds revisions (bucket `key`) or lease ids; names
/// are few and repeat, so those are kept once each in `Names`.
enum Key: Equatable {
  /// A revision: main, sub, and whether it is a tombstone.
  case revision(PackedRevision)
  /// Any other key of eight bytes, as a big-endian number.
  case word(UInt64)
  /// The number of a key in `Names`.
  case name(UInt32)
}

/// A key of etcd's bucket `key` in 64 bits: the order of the numbers is the order of the keys.
///
/// The key is the main revision in 8 bytes, `_`, the sub revision in 8 bytes, and `t` if the record
/// is a tombstone. 42 bits of main revision last 13 years at 10,000 writes a second. The sub revision
/// counts the changes of one transaction, and one deletion of a range is a change for each of its keys:
/// 21 bits are two million of them. What does not fit is kept as a name.
struct PackedRevision: Equatable {
  let bits: UInt64

  static let subBits: UInt64 = 21
  private static let mainBits = 63 - subBits

  init(bits: UInt64) { self.bits = bits }

  init?(main: UInt64, sub: UInt64, isTombstone: Bool) {
    guard main < 1 << Self.mainBits, sub < 1 << Self.subBits else { return nil }
    bits = main << (Self.subBits + 1) | sub << 1 | (isTombstone ? 1 : 0)
  }

  /// Reads the key of `count` bytes at `offset`; `nil` if it is no revision.
  @inline(__always)
  init?(_ bytes: RawSpan, at offset: Int, count: Int) {
    guard Self.isRevision(bytes, at: offset, count: count) else { return nil }
    self.init(
      main: bytes.bigEndian64(at: offset), sub: bytes.bigEndian64(at: offset + 9),
      isTombstone: count == 18)
  }

  /// Whether the key has the form of a revision, however large its numbers.
  @inline(__always)
  static func isRevision(_ bytes: RawSpan, at offset: Int, count: Int) -> Bool {
    (count == 17 || count == 18 && bytes.byte(at: offset + 17) == UInt8(ascii: "t"))
      && bytes.byte(at: offset + 8) == UInt8(ascii: "_")
  }

  var main: UInt64 { bits >> (Self.subBits + 1) }
  var sub: UInt64 { bits >> 1 & (1 << Self.subBits - 1) }
  var isTombstone: Bool { bits & 1 == 1 }

  var bytes: [UInt8] {
    main.bigEndianBytes + [UInt8(ascii: "_")] + sub.bigEndianBytes
      + (isTombstone ? [UInt8(ascii: "t")] : [])
  }
}

extension UInt64 {
  var bigEndianBytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: self >> UInt64(56 - 8 * $0)) }
  }
}

/// Byte strings kept once each: names of buckets, users and roles, and other keys that are neither
/// revisions nor words.
struct Names {
  private var numbers: [[UInt8]: UInt32] = [:]
  private var strings: [[UInt8]] = []

  /// An estimate of the memory held, in bytes.
  private(set) var byteCount = 0

  mutating func number(of string: [UInt8]) -> UInt32 {
    if let known = numbers[string] { return known }
    let number = UInt32(strings.count)
    numbers[string] = number
    strings.append(string)
    byteCount += string.count + 128
    return number
  }

  subscript(number: UInt32) -> [UInt8] { strings[Int(number)] }

  /// Keeps the key of `count` bytes at `offset`.
  mutating func key(_ bytes: RawSpan, at offset: Int, count: Int) -> Key {
    if let revision = PackedRevision(bytes, at: offset, count: count) { return .revision(revision) }
    if count == 8 { return .word(bytes.bigEndian64(at: offset)) }
    return .name(number(of: bytes.array(at: offset, count: count)))
  }

  func bytes(of key: Key) -> [UInt8] {
    switch key {
    case .revision(let revision): revision.bytes
    case .word(let word): word.bigEndianBytes
    case .name(let number): self[number]
    }
  }

  /// Whether `left` sorts strictly before `right`, byte by byte.
  func precedes(_ left: Key, _ right: Key) -> Bool {
    switch (left, right) {
    case (.revision(let left), .revision(let right)): left.bits < right.bits
    case (.word(let left), .word(let right)): left < right
    default: bytes(of: left).lexicographicallyPrecedes(bytes(of: right))
    }
  }
}

/// Fingerprints of 64 bits of a key and of a branch's children.
///
/// The seeds are random for every inspection, so that it is impossible to construct a file whose
/// contradictions cancel out.
struct Fingerprints {
  private let seed = UInt64.random(in: .min ... .max)
  private let otherSeed = UInt64.random(in: .min ... .max)

  @inline(__always)
  private func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = (left ^ seed).multipliedFullWidth(by: right ^ otherSeed)
    return product.high ^ product.low
  }

  /// The fingerprint of the key of `count` bytes at `offset`; equal to that of the `Key` kept of it.
  @inline(__always)
  func key(_ bytes: RawSpan, at offset: Int, count: Int) -> UInt64 {
    if let revision = PackedRevision(bytes, at: offset, count: count) {
      return mix(revision.bits, 17)
    }
    if count == 8 { return mix(bytes.bigEndian64(at: offset), 8) }
    var hash = mix(UInt64(count), 3)
    for index in 0..<count {
      hash = mix(hash &+ UInt64(bytes.byte(at: offset + index)), 5)
    }
    return hash
  }

  func key(_ key: Key, _ names: Names) -> UInt64 {
    switch key {
    case .revision(let revision): mix(revision.bits, 17)
    case .word(let word): mix(word, 8)
    case .name(let number): self.key(names[number])
    }
  }

  private func key(_ bytes: [UInt8]) -> UInt64 {
    unsafe key(bytes.span.bytes, at: 0, count: bytes.count)
  }

  /// A child of a branch together with the fingerprint of its first key. A branch's fingerprint is
  /// the sum over its children.
  @inline(__always)
  func child(_ page: UInt32, firstKey: UInt64) -> UInt64 {
    mix(firstKey, mix(UInt64(page), 1))
  }
}
