// Spans of bytes and arrays of them.

extension Array<UInt8> {
  mutating func append(contentsOf bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}

extension RawSpan {
  func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount, "outside the span")
    return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }
}
