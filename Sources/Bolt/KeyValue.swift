/// What etcd keeps as the value of a revision: the message `mvccpb.KeyValue`.
enum KeyValue {
  /// Whether a value of `size` bytes, which begins with `bytes`, can be that of the record of
  /// `revision`.
  ///
  /// The message repeats the revision (field 3, `mod_revision`), which makes it the one witness of a
  /// key whose damage would leave the order of keys intact. A tombstone's value holds the user's key
  /// and nothing else. A record that marks a revision bumped by a restore has no value.
  @inline(__always)
  static func fits(revision: UInt64, isTombstone: Bool, _ bytes: RawSpan, size: Int) -> Bool {
    guard size > 0 else { return !isTombstone }
    var offset = 0
    while offset < bytes.byteCount {
      let tag = bytes.byte(at: offset)
      offset += 1
      guard let number = varint(bytes, &offset) else { break }
      switch tag {
      case 0x0A:  // key
        guard number <= UInt64(size - offset) else { return false }
        offset += Int(number)
        if isTombstone { return offset == size }
      case 0x10: break  // create_revision
      case 0x18: return number == revision && !isTombstone
      default: return false
      }
    }
    // Ended before the revision came: right only if the rest of the value was not at hand.
    return bytes.byteCount < size
  }

  /// The user's key in a whole value; `nil` in the value of a bumped revision, which has none.
  static func userKey(_ bytes: RawSpan) -> [UInt8]? {
    var offset = 1
    guard bytes.byteCount > 1, bytes.byte(at: 0) == 0x0A, let size = varint(bytes, &offset),
      size <= UInt64(bytes.byteCount - offset)
    else { return nil }
    return bytes.array(at: offset, count: Int(size))
  }

  /// The number at `offset`, which is moved behind it; `nil` where the bytes end in its midst.
  @inline(__always)
  static func varint(_ bytes: RawSpan, _ offset: inout Int) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
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
