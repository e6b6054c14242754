// Reading integers out of untrusted bytes: every access is bounds-checked.

extension RawSpan {
  /// The little-endian integer at `offset`: bbolt writes in the byte order of its machine.
  @inline(__always)
  func uint16(at offset: Int) -> UInt16 {
    UInt16(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inline(__always)
  func uint32(at offset: Int) -> UInt32 {
    UInt32(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  func uint64(at offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  func byte(at offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The big-endian integer at `offset`: etcd writes its own integers so, on every machine.
  @inline(__always)
  func bigEndian64(at offset: Int) -> UInt64 {
    UInt64(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// A copy of `count` bytes from `offset`.
  func array(at offset: Int, count: Int) -> [UInt8] {
    unsafe extracting(offset..<offset + count).withUnsafeBytes { unsafe Array($0) }
  }

  /// Whether the `leftCount` bytes at `left` sort before the `rightCount` bytes at `right`.
  @inline(__always)
  func precedes(_ left: Int, _ leftCount: Int, _ right: Int, _ rightCount: Int) -> Bool {
    let shared = min(leftCount, rightCount)
    var index = 0
    while index + 8 <= shared {
      let (a, b) = (bigEndian64(at: left + index), bigEndian64(at: right + index))
      guard a == b else { return a < b }
      index += 8
    }
    while index < shared {
      let (a, b) = (byte(at: left + index), byte(at: right + index))
      guard a == b else { return a < b }
      index += 1
    }
    return leftCount < rightCount
  }
}

extension [UInt8] {
  /// Appends the bytes of `span`.
  mutating func append(contentsOf span: RawSpan) {
    unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}
