// The values of revisions: etcd reads every one when it starts, and ends at the first that it cannot.

import SnapshotFile
import SnapshotFileTestSupport
import Testing

@Suite struct `The value of a revision` {
  private static let revision = 0x1234

  /// Where the record lies, hence how its value is read.
  enum Leaf: CaseIterable {
    case inline, ofOnePage, ofManyPages
  }

  /// A database in whose bucket `key` this is the value of `revision`.
  private static func file(_ value: [UInt8], isTombstone: Bool = false, in leaf: Leaf) -> [UInt8] {
    let record = (Etcd.key(revision, isTombstone: isTombstone), value)
    var builder = DatabaseBuilder()
    let key: [UInt8]
    switch leaf {
    case .inline: key = DatabaseBuilder.inline([record])
    case .ofOnePage:
      key = DatabaseBuilder.nested(root: builder.leaf([Etcd.put("a", 2), record]))
    case .ofManyPages:
      let long = Etcd.put("a", 2, value: [UInt8](repeating: 0x42, count: 8000))
      let last = Etcd.put("b", revision + 1)
      key = DatabaseBuilder.nested(root: builder.leaf([long, record, last]))
    }
    let root = builder.bucketLeaf(Etcd.buckets(key: key))
    return builder.snapshot(root: root)
  }

  private static func isSound(_ file: [UInt8]) -> Bool {
    do {
      _ = try inspect(file)
      return true
    } catch .unsound(_, bucket: "key", let defect) {
      #expect(defect.kind == .record)
      return false
    } catch {
      Issue.record("\(error)")
      return false
    }
  }

  // MARK: What etcd reads

  private static func text(_ field: Int, _ text: [UInt8]) -> [UInt8] {
    Etcd.varint(field << 3 | 2) + Etcd.varint(text.count) + text
  }

  private static func number(_ field: Int, _ number: Int) -> [UInt8] {
    Etcd.varint(field << 3) + Etcd.varint(number)
  }

  private static let key = text(1, Array("user".utf8))
  private static let created = number(2, 0x1233)
  private static let modified = number(3, revision)
  private static let version = number(4, 2)
  private static let value = text(5, Array("what the user keeps".utf8))
  private static let lease = number(6, 0x7000_1234_5678_9ABC)
  private static let put = key + created + modified + version

  private static let right: [[UInt8]] = [
    put, put + value, put + value + lease, put + lease, [],
    lease + value + version + modified + created + key,
    put + text(5, []),
    // What a later etcd may add, of every type.
    number(7, 1 << 40) + put + value, put + value + text(8, Array("more".utf8)) + number(900, 1),
    put + [9 << 3 | 1, 1, 2, 3, 4, 5, 6, 7, 8] + value + [10 << 3 | 5, 1, 2, 3, 4],
    put + (0..<64).flatMap { number(7 + $0, 1) },
  ]

  @Test(arguments: right, Leaf.allCases)
  func `is right as any etcd writes it`(value: [UInt8], leaf: Leaf) {
    #expect(Self.isSound(Self.file(value, in: leaf)))
  }

  private static let wrong: [[UInt8]] = [
    // Cut, or with something behind.
    Array((put + value).dropLast()), put + value + [0x30], put + value + [0], put + [0x2A],
    put + [0x2A, 1], put + [0x2A] + [UInt8](repeating: 0xFF, count: 9) + [1],
    put + [0x30] + [UInt8](repeating: 0xFF, count: 11),
    // A known field of a wrong type.
    put + number(5, 1), put + text(6, [1]), key + created + modified + text(4, [1]),
    put + [6 << 3 | 1, 1, 2, 3, 4, 5, 6, 7, 8], put + [6 << 3 | 5, 1, 2, 3, 4],
    // Groups, types that are none, numbers that no field has.
    put + [7 << 3 | 3], put + [7 << 3 | 4], put + [7 << 3 | 3, 7 << 3 | 4], put + [7 << 3 | 6],
    put + [7 << 3 | 7], put + number(0, 1), put + number(1 << 29, 1),
    // An unknown field that ends beyond the message.
    put + [7 << 3 | 1, 1, 2, 3], put + [7 << 3 | 5, 1, 2, 3], put + [7 << 3 | 2, 5, 1],
    // What every put has left out, or what a put has once written twice.
    created + modified + version, key + modified + version, key + created + version,
    key + created + modified, put + key, put + modified, put + value + value,
    // Another revision.
    key + created + number(3, revision + 1) + version,
    // More than any etcd will add.
    put + (0..<65).flatMap { number(7 + $0, 1) },
  ]

  @Test(arguments: wrong, Leaf.allCases)
  func `is wrong where etcd cannot read it or never writes it`(value: [UInt8], leaf: Leaf) {
    #expect(!Self.isSound(Self.file(value, in: leaf)))
  }

  @Test(arguments: Leaf.allCases)
  func `is the user's key alone in a tombstone`(leaf: Leaf) {
    func isSound(_ value: [UInt8]) -> Bool {
      Self.isSound(Self.file(value, isTombstone: true, in: leaf))
    }
    #expect(isSound(Self.key))
    #expect(isSound(Self.key + Self.number(7, 1)))
    for value in [[], Self.put, Self.key + Self.value, Self.value, Self.key + [0x10]] {
      #expect(!isSound(value))
    }
  }

  @Test(arguments: 0..<40)
  func `may lie across pages in any way`(offset: Int) {
    // The fields behind the value, a byte further each time, pass the end of a page.
    let long = Self.text(5, [UInt8](repeating: 0x42, count: 12_220 + offset))
    let name = Self.text(1, [UInt8](repeating: 0x61, count: 4_000 + offset))
    let put = name + Self.created + Self.modified + Self.version + long
    #expect(Self.isSound(Self.file(put + Self.lease, in: .ofManyPages)))
    #expect(!Self.isSound(Self.file(put + Self.lease.dropLast(), in: .ofManyPages)))
    #expect(!Self.isSound(Self.file(put + Self.lease + [0x30], in: .ofManyPages)))
  }

  // MARK: Damage

  /// The bits of a message, field by field, that say how it is to be read: those of tags, of lengths
  /// and of the revision, and in other numbers those that say where they end. Not among them are those
  /// that give a field which may be missing a number that a later etcd may use: etcd skips it.
  private static func framing(_ message: [UInt8]) -> [(byte: Int, bit: Int)] {
    var bits: [(Int, Int)] = []
    var offset = 0
    func varint(_ isFraming: (_ bit: Int) -> Bool) -> Int {
      var number = 0
      var shift = 0
      while true {
        let byte = message[offset]
        bits += (0..<8).filter(isFraming).map { (offset, $0) }
        number |= Int(byte & 0x7F) << shift
        shift += 7
        offset += 1
        if byte < 0x80 { return number }
      }
    }
    while offset < message.count {
      let mayBeMissing = message[offset] >> 3 >= 5
      let number = message[offset]
      let tag = varint { bit in
        !(mayBeMissing && (3..<7).contains(bit) && (number ^ 1 << bit) >> 3 > 6)
      }
      if tag & 7 == 2 {
        offset += varint { _ in true }
      } else {
        _ = varint { tag >> 3 == 3 || $0 == 7 }
      }
    }
    return bits
  }

  /// Text in which no field begins. In other text, a part may read as one that a later etcd adds.
  private static func text(ofCount count: Int) -> [UInt8] {
    let words = Array("know_wood_".utf8)
    return (0..<count).map { words[$0 % words.count] }
  }

  @Test(arguments: [
    (4, 19, Leaf.inline), (4, 19, .ofOnePage), (4, 19, .ofManyPages), (5000, 9000, .ofManyPages),
  ])
  func `has no bit of its framing whose damage goes unnoticed`(
    keySize: Int, valueSize: Int, leaf: Leaf
  ) {
    let message =
      Self.text(1, Self.text(ofCount: keySize)) + Self.created + Self.modified + Self.version
      + Self.text(5, Self.text(ofCount: valueSize)) + Self.lease
    for (byte, bit) in Self.framing(message) {
      var damaged = message
      damaged[byte] ^= 1 << bit
      #expect(!Self.isSound(Self.file(damaged, in: leaf)), "bit \(bit) of byte \(byte)")
    }
  }
}
