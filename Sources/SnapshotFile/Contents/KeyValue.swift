/// What etcd keeps as the value of a revision: the message `mvccpb.KeyValue`.
///
/// A member that starts reads all of them, and ends at the first that it cannot read. So every one is
/// read to its end, a field at a time and by the rules that etcd reads it by: fields come in any order,
/// one of a known number has the type that belongs to it, and one of an unknown number, as a later etcd
/// may add, is skipped. Beyond that, no etcd writes a field twice, nor leaves out what every put has.
struct KeyValue {
  private enum Field {
    static let key: UInt64 = 1
    static let createRevision: UInt64 = 2
    static let modRevision: UInt64 = 3
    static let version: UInt64 = 4
    static let value: UInt64 = 5
    static let lease: UInt64 = 6

    static func bits(_ fields: UInt64...) -> UInt64 { fields.reduce(0) { $0 | 1 << $1 } }
  }

  private static let ofTombstone = Field.bits(Field.key)
  private static let ofPut = Field.bits(
    Field.key, Field.createRevision, Field.modRevision, Field.version)

  /// So many bytes are enough for what a field begins with: its tag, and its number or length.
  static let maximumHeadSize = 20
  /// Far more than any etcd will add; bounds what a made-up message costs.
  private static let maximumUnknownCount = 64

  /// `k8s:enc:`, as a big-endian number.
  private static let encryptedMark: UInt64 = 0x6B38_733A_656E_633A

  /// protobuf's limit.
  private static let maximumFieldNumber: UInt64 = 1 << 29 - 1

  /// Bytes in the message.
  let size: Int
  /// Where in the message the next field begins.
  private(set) var offset = 0
  /// Where in the message the user's key lies.
  private(set) var userKey = 0..<0
  /// Whether Kubernetes encrypted the value: it begins with `k8s:enc:`.
  private(set) var isEncrypted = false
  private var modRevision: UInt64 = 0
  /// The known fields that were there, one bit each.
  private var known: UInt64 = 0
  private var unknownCount = 0

  init(size: Int) { self.size = size }

  /// Reads the message that `bytes` are, as far as it can be read; `fits` says whether that is all.
  @inline(__always)
  init(_ bytes: RawSpan) {
    size = bytes.byteCount
    while offset < size, readField(bytes, at: offset) {}
  }

  /// Where the user's key lies in a whole value; `nil` in that of a bumped revision, which has none.
  static func userKey(_ bytes: RawSpan) -> Range<Int>? {
    let message = KeyValue(bytes)
    return message.offset < message.size || message.userKey.isEmpty ? nil : message.userKey
  }

  /// Whether the message, all of whose fields were read, can be the value of the record of `revision`.
  ///
  /// The message repeats the revision, which makes it the one witness of a key whose damage would leave
  /// the order of keys intact. A tombstone's holds the user's key and nothing else. A record that marks
  /// a revision bumped by a restore has an empty one.
  @inline(__always)
  func fits(revision: UInt64, isTombstone: Bool) -> Bool {
    guard offset == size else { return false }
    if isTombstone { return known == Self.ofTombstone }
    return known & Self.ofPut == Self.ofPut && modRevision == revision || size == 0
  }

  /// Reads the field at `offset`, whose head lies at `start` in `bytes`.
  ///
  /// - Returns: Whether there is such a field and it ends within the message.
  @inline(__always)
  mutating func readField(_ bytes: RawSpan, at start: Int) -> Bool {
    var end = start
    guard let tag = Self.varint(bytes, &end) else { return false }
    let left = size - offset  // from the field's beginning
    var number: UInt64 = 0
    switch tag & 7 {
    case 0:
      guard let read = Self.varint(bytes, &end) else { return false }
      number = read
    case 1: end += 8
    case 2:
      guard let length = Self.varint(bytes, &end), length <= UInt64(left) else { return false }
      number = length
      end += Int(length)
    case 5: end += 4
    default: return false  // the ends of groups, which no message of etcd has
    }
    guard end - start <= left else { return false }

    let field = tag >> 3
    if field <= Field.lease {
      let isText = field == Field.key || field == Field.value
      guard field > 0, known >> field & 1 == 0, tag & 7 == (isText ? 2 : 0) else { return false }
      known |= 1 << field
      if field == Field.modRevision { modRevision = number }
      if field == Field.value, number >= 8 {
        let value = end - Int(number)
        isEncrypted =
          value + 8 <= bytes.byteCount && bytes.bigEndian64(at: value) == Self.encryptedMark
      }
      if field == Field.key {
        let keyEnd = offset + end - start
        userKey = keyEnd - Int(number)..<keyEnd
      }
    } else {
      guard field <= Self.maximumFieldNumber, unknownCount < Self.maximumUnknownCount else {
        return false
      }
      unknownCount += 1
    }
    offset += end - start
    return true
  }

  /// The number at `offset`, which is moved behind it; `nil` where the bytes end in its midst.
  @inline(__always)
  static func varint(_ bytes: RawSpan, _ offset: inout Int) -> UInt64? {
    guard offset < bytes.byteCount else { return nil }
    var value = UInt64(bytes.byte(at: offset))
    offset += 1
    if value < 0x80 { return value }
    value &= 0x7F
    var shift: UInt64 = 7
    while offset < bytes.byteCount, shift < 64 {
      let byte = bytes.byte(at: offset)
      offset += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}
