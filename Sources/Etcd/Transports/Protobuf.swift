// Protocol buffers, as far as etcd's few messages need them: a reader of fields and a writer of them.

/// Walks over the fields of one message. Unknown fields are the caller's to skip; what is not
/// well-formed ends in `nil` and `isMalformed`.
///
/// See https://protobuf.dev/programming-guides/encoding/.
struct ProtobufReader {
  enum Value {
    case varint(UInt64)
    /// Where the bytes stand in the message.
    case bytes(Range<Int>)
    /// A fixed 32-bit or 64-bit number, of which etcd's messages here have none.
    case fixed
  }

  private let bytes: [UInt8]
  private var position: Int
  private let end: Int
  private(set) var isMalformed = false

  /// The message stands at `range` within `bytes`, and so do the ranges that `next` gives.
  init(_ bytes: [UInt8], in range: Range<Int>) {
    precondition(range.upperBound <= bytes.count, "a message cannot end behind its bytes")
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field, or `nil` at the end of the message.
  mutating func next() -> (field: UInt64, value: Value)? {
    guard position < end, !isMalformed else { return nil }
    guard let tag = varint(), tag >> 3 != 0, let value = value(wireType: tag & 7) else {
      isMalformed = true
      return nil
    }
    return (tag >> 3, value)
  }

  private mutating func value(wireType: UInt64) -> Value? {
    switch wireType {
    case 0: varint().map(Value.varint)
    case 1: skip(8) ? .fixed : nil
    case 2: lengthDelimited()
    case 5: skip(4) ? .fixed : nil
    default: nil
    }
  }

  private mutating func lengthDelimited() -> Value? {
    guard let length = varint(), length <= UInt64(end - position) else { return nil }
    let start = position
    position += Int(length)
    return .bytes(start..<position)
  }

  private mutating func skip(_ count: Int) -> Bool {
    guard count <= end - position else { return false }
    position += count
    return true
  }

  /// At most ten bytes, seven bits each.
  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard position < end else { return nil }
      let byte = bytes[position]
      position += 1
      guard shift < 63 || byte <= 1 else { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
    }
    return nil
  }
}

/// Puts one message together, field by field.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: UInt64, _ number: UInt64) {
    varint(field << 3)
    varint(number)
  }

  mutating func add(_ field: UInt64, _ content: some Collection<UInt8>) {
    varint(field << 3 | 2)
    varint(UInt64(content.count))
    bytes += content
  }

  private mutating func varint(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// A message with all its fields read, for the small ones.
struct ProtobufMessage {
  private var numbers: [UInt64: UInt64] = [:]
  private var contents: [UInt64: [[UInt8]]] = [:]

  /// Returns `nil` where `bytes` are not well-formed.
  init?(_ bytes: [UInt8]) {
    var numbers: [UInt64: UInt64] = [:]
    var contents: [UInt64: [[UInt8]]] = [:]
    var reader = ProtobufReader(bytes, in: bytes.indices)
    while let (field, value) = reader.next() {
      switch value {
      case .varint(let number): numbers[field] = number
      case .bytes(let range): contents[field, default: []].append(Array(bytes[range]))
      case .fixed: break
      }
    }
    guard !reader.isMalformed else { return nil }
    self.numbers = numbers
    self.contents = contents
  }

  /// 0 where the field is absent, as the protocol has it.
  func number(_ field: UInt64) -> UInt64 { numbers[field] ?? 0 }

  func text(_ field: UInt64) -> String {
    contents[field]?.last.map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  func texts(_ field: UInt64) -> [String] {
    (contents[field] ?? []).map { String(decoding: $0, as: UTF8.self) }
  }

  /// `nil` where the field is absent or not a message.
  func message(_ field: UInt64) -> ProtobufMessage? {
    contents[field]?.last.flatMap { ProtobufMessage($0) }
  }
}
