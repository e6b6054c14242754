// Damaged and made-up age files: each ends in an error, and none releases what is not authentic.

import Digests
import Encoding
import EncodingTestSupport
import Testing
import TestSupport

@Suite struct `A damaged age file` {
  @Test func `is refused whichever byte is altered`() throws {
    let file = try encrypt(Array("etcd".utf8), for: [Vector.recipient1, Vector.recipient2])
    let identities = [try Vector.identity1]
    for index in file.indices {
      for mask: UInt8 in [0x01, 0x20, 0x80, 0xFF] {
        var damaged = file
        damaged[index] ^= mask
        let outcome = decrypt(damaged, with: identities)
        #expect(outcome.error != nil && outcome.released.isEmpty, "byte \(index) ^ \(mask)")
      }
    }
  }

  @Test func `is refused wherever it is cut`() throws {
    let file = try encrypt(Array("etcd".utf8), for: [Vector.recipient1])
    let identities = [try Vector.identity1]
    for count in file.indices {
      let outcome = decrypt(Array(file.prefix(count)), with: identities)
      #expect(outcome.error != nil && outcome.released.isEmpty, "\(count) bytes")
    }
  }

  @Test func `is refused when a byte is added or left out`() throws {
    let file = try encrypt(Array("etcd".utf8), for: [Vector.recipient1])
    let identities = [try Vector.identity1]
    for index in 0...file.count {
      var longer = file
      longer.insert(UInt8(ascii: "A"), at: index)
      #expect(decrypt(longer, with: identities).error != nil, "one more at \(index)")
      guard index < file.count else { break }
      var shorter = file
      shorter.remove(at: index)
      #expect(decrypt(shorter, with: identities).error != nil, "one less at \(index)")
    }
  }

  @Test(arguments: 0..<40)
  func `releases whole chunks of the plaintext only, before the damage`(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    let plaintext = patternBytes(3 * 65_536 + 1000)
    var file = try encrypt(plaintext, for: [Vector.recipient1])
    let place = Int.random(in: 184..<file.count, using: &random)
    let chunk = (place - 184) / 65_552
    if seed % 2 == 0 { file.removeSubrange(place...) } else { file[place] ^= 0x10 }
    let outcome = decrypt(
      file, with: [try Vector.identity1], cut: .random(seed: UInt64(seed)))
    #expect(outcome.error != nil)
    #expect(outcome.released.count % 65_536 == 0)
    #expect(outcome.released.count <= chunk * 65_536)
    #expect(plaintext.starts(with: outcome.released))
  }

  @Test func `is told by the same fact however it is cut`() throws {
    let file = try encrypt(patternBytes(150_000), for: [Vector.recipient1])
    let identities = [try Vector.identity1]
    for place in [3, 25, 60, 100, 150, 170, 184, 65_700, 65_736, 131_288, file.count - 1] {
      var altered = file
      altered[place] ^= 4
      let cut = Array(file.prefix(place))
      for damaged in [altered, cut] {
        let whole = decrypt(damaged, with: identities)
        for pieces in [Cut.every(1000), .random(seed: UInt64(place))] {
          #expect(decrypt(damaged, with: identities, cut: pieces) == whole, "at \(place)")
        }
      }
    }
  }
}

@Suite struct `The payload of an age file` {
  func error(_ file: HandmadeFile) throws -> AgeError? {
    guard case .age(let error) = decrypt(try file.bytes, with: [try Vector.identity1]).error else {
      return nil
    }
    return error
  }

  let full = patternBytes(65_536)

  @Test func `is read as written by hand`() throws {
    let file = try HandmadeFile(chunks: [full, [1, 2, 3]]).bytes
    #expect(try decrypt(file, with: [Vector.identity1]).whole == full + [1, 2, 3])
  }

  @Test func `may be empty`() throws {
    let file = try HandmadeFile(chunks: [[]]).bytes
    #expect(try decrypt(file, with: [Vector.identity1]).whole == [])
  }

  @Test func `is cut where no chunk is there`() throws {
    #expect(try error(HandmadeFile()) == .truncatedPayload(chunks: 0))
    var file = HandmadeFile()
    file.nonce.removeLast()
    #expect(try error(file) == .truncatedPayload(chunks: 0))
  }

  @Test func `is cut where the last chunk is not marked`() throws {
    var file = HandmadeFile(chunks: [full, full])
    file.chunks[1].isLast = false
    #expect(try error(file) == .truncatedPayload(chunks: 2))
  }

  @Test func `is cut or altered where its last chunk is too short for a tag`() throws {
    var file = HandmadeFile(chunks: [full])
    file.chunks[0].isLast = false
    file.tail = [1, 2, 3]
    #expect(try error(file) == .cutOrAlteredLastChunk(2))
  }

  @Test func `is not taken for more than its last chunk`() throws {
    var file = HandmadeFile(chunks: [full])
    file.tail = [0]
    #expect(try error(file) == .trailingBytes(chunks: 1))
    file = HandmadeFile(chunks: [full, full])
    file.chunks[0].isLast = true
    #expect(try error(file) == .trailingBytes(chunks: 1))
  }

  @Test func `has no short chunk but the last`() throws {
    var file = HandmadeFile(chunks: [[1, 2, 3]])
    file.chunks[0].isLast = false
    #expect(try error(file) == .shortChunk(1))
  }

  @Test func `has no empty chunk but the only one`() throws {
    #expect(try error(HandmadeFile(chunks: [full, []])) == .emptyLastChunk(2))
  }

  @Test func `has its chunks in order, each once`() throws {
    let other = patternBytes(65_537).suffix(65_536)
    var file = HandmadeFile(chunks: [full, Array(other), [1]])
    file.chunks.swapAt(0, 1)
    #expect(try error(file) == .alteredChunk(1))
    file = HandmadeFile(chunks: [full, [1]])
    file.chunks[1].number = 2
    #expect(try error(file) == .cutOrAlteredLastChunk(2))
  }

  @Test func `is under the nonce that precedes it`() throws {
    var bytes = try HandmadeFile(chunks: [[1]]).bytes
    bytes[170] ^= 1
    #expect(
      decrypt(bytes, with: [try Vector.identity1]).error == .age(.cutOrAlteredLastChunk(1)))
  }
}
