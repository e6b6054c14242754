// One zstd frame, both ways.

import Encoding
import EncodingTestSupport
import Testing
import TestSupport

@Suite struct `A zstd frame` {
  static let sizes = [0, 1, 100, 131_071, 131_072, 131_073, 400_000]

  /// Half of it can be compressed.
  static func content(_ count: Int) -> [UInt8] {
    var random = SeededRandom(seed: UInt64(count))
    var content: [UInt8] = []
    while content.count < count {
      content += patternBytes(1000)
      for _ in 0..<125 { content += unsafe withUnsafeBytes(of: random.next()) { unsafe Array($0) } }
    }
    return Array(content.prefix(count))
  }

  @Test(arguments: sizes, ZstdLevel.range)
  func `gives back the content at every level, however both ways are cut`(
    size: Int, level: Int
  ) throws {
    let content = Self.content(size)
    for cut in [Cut.whole, .every(50_000), .random(seed: 3)] {
      let frame = try compress(content, level: level, cut: cut)
      for back in [Cut.whole, .every(9999), .random(seed: 4)] {
        #expect(try decompress(frame, cut: back).whole == content)
      }
    }
  }

  @Test func `is read byte by byte as well`() throws {
    let content = Self.content(20_000)
    let frame = try compress(content, cut: .every(1))
    #expect(try decompress(frame, cut: .every(1)).whole == content)
  }

  /// Then libzstd has taken all of the frame, and still holds a part of the content.
  @Test(arguments: [Cut.whole, .every(100_009), .random(seed: 11)])
  func `is passed on to its end where its last block does not fit the buffer`(cut: Cut) throws {
    let content = Self.content(100_000 + 131_072)
    var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x48]  // no checksum
    for (block, isLast) in [(content[..<100_000], 0), (content[100_000...], 1)] {
      let header = block.count << 3 | isLast  // of a raw block
      frame += [UInt8(header & 255), UInt8(header >> 8 & 255), UInt8(header >> 16)] + block
    }
    #expect(try decompress(frame, cut: cut).whole == content)
  }

  @Test(arguments: [(1, 0x48), (2, 0x50), (3, 0x58), (6, 0x58)] as [(Int, UInt8)])
  func `begins with a checksum flag and the window of its level`(level: Int, window: UInt8) throws {
    let frame = try compress(Self.content(100), level: level)
    #expect(frame.prefix(6) == [0x28, 0xB5, 0x2F, 0xFD, 0x04, window])
  }

  @Test func `names the size of the content where it is known`() throws {
    let content = Self.content(100_000)
    let frame = try compress(content, contentSize: 100_000)
    #expect(frame[4] & 0xC0 == 0x80)  // four bytes of content size
    #expect(try decompress(frame).whole == content)
  }

  @Test(arguments: [99_999, 100_001] as [UInt64])
  func `is not finished with another size than it names`(announced: UInt64) {
    #expect(throws: CodingError.zstd(.wrongContentSize(announced: announced))) {
      try compress(Self.content(100_000), contentSize: announced)
    }
  }

  @Test func `stops where its sink fails, and goes no further`() throws {
    var compressor = try ZstdCompressor(.fastest)
    let content = Self.content(1_000_000)
    #expect(throws: Full()) {
      try unsafe compressor.append(content.span.bytes) { _ throws(Full) in throw Full() }
    }
    #expect(throws: CodingError.zstd(.usedAfterError)) {
      try unsafe compressor.append(content.span.bytes) { _ throws(CodingError) in }
    }
  }

  @Test(arguments: [-1, 0, 7, 22])
  func `has levels from 1 to 6`(number: Int) {
    #expect(ZstdLevel(number) == nil)
  }

  @Test(arguments: [(1, 1.4), (2, 2.1), (3, 3.6), (4, 6.0), (5, 6.0), (6, 6.0)])
  func `takes bounded memory at every level`(level: Int, mebibytes: Double) throws {
    var compressor = try ZstdCompressor(#require(ZstdLevel(level)))
    var frame: [UInt8] = []
    let piece = Self.content(1 << 20)
    for _ in 0..<16 {
      try unsafe compressor.append(piece.span.bytes) { bytes throws(CodingError) in
        collect(bytes, in: &frame)
      }
    }
    #expect(Double(compressor.heldByteCount) < mebibytes * 1_048_576)
    try compressor.finish { bytes throws(CodingError) in collect(bytes, in: &frame) }

    var decompressor = try ZstdDecompressor()
    try unsafe decompressor.append(frame.span.bytes) { _ throws(CodingError) in }
    #expect(decompressor.heldByteCount < 3 << 20)
  }
}

@Suite struct `A damaged zstd frame` {
  let content = Array("etcd, and what it holds, and what it holds".utf8)

  @Test func `is refused wherever it is cut`() throws {
    let frame = try compress(content)
    for count in frame.indices {
      #expect(decompress(Array(frame.prefix(count))).error == .zstd(.truncated), "\(count) bytes")
    }
  }

  /// A bit of the window's size, for one, changes nothing that comes out.
  @Test func `never passes for whole with another content, whichever byte is altered`() throws {
    let frame = try compress(content)
    var accepted = 0
    for index in frame.indices {
      for bit in 0..<8 {
        var damaged = frame
        damaged[index] ^= 1 << UInt8(bit)
        let outcome = decompress(damaged)
        guard outcome.error == nil else { continue }
        accepted += 1
        #expect(outcome.released == content, "byte \(index), bit \(bit)")
      }
    }
    #expect(accepted < frame.count)
  }

  @Test func `has a checksum that is right`() throws {
    var frame = try compress(content)
    frame[frame.count - 1] ^= 1
    #expect(decompress(frame).error == .zstd(.wrongChecksum))
  }

  @Test func `is told by libzstd's own code`() throws {
    var frame = try compress(content)
    frame[6] |= 6  // a block of the reserved type
    let error = try #require(decompress(frame).error)
    guard case .zstd(.corrupted(let code, let name)) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(code == 20 && !name.isEmpty)
  }

  @Test(arguments: [Cut.whole, .every(1), .every(5)])
  func `is the only one`(cut: Cut) throws {
    let frame = try compress(content)
    let skippable: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]
    let cases: [([UInt8], ZstdError)] = [
      (frame + frame, .trailing(.frame)), (frame + skippable, .trailing(.skippableFrame)),
      (frame + [0], .trailing(.bytes)), (frame + [0, 0, 0, 0, 0], .trailing(.bytes)),
      (frame + frame.prefix(3), .trailing(.bytes)), (skippable + frame, .skippableFrame),
    ]
    for (bytes, error) in cases {
      #expect(decompress(bytes, cut: cut).error == .zstd(error))
    }
  }

  @Test func `is told from what is no frame at all`() {
    #expect(decompress(Array("etcd".utf8)).error == .zstd(.notZstd))
    #expect(decompress(Array("et".utf8)).error == .zstd(.notZstd))
    #expect(decompress([]).error == .zstd(.truncated))
    #expect(decompress([0x28, 0xB5]).error == .zstd(.truncated))
  }

  @Test func `is not read on after an error`() throws {
    var decompressor = try ZstdDecompressor()
    let bytes = Array("not zstd".utf8)
    #expect(throws: CodingError.zstd(.notZstd)) {
      try unsafe decompressor.append(bytes.span.bytes) { _ throws(CodingError) in }
    }
    #expect(throws: CodingError.zstd(.usedAfterError)) {
      try unsafe decompressor.append(bytes.span.bytes) { _ throws(CodingError) in }
    }
  }
}
