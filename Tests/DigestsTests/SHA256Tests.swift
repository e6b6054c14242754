// SHA-256 against the examples of FIPS 180-2 (appendix B) and a real snapshot.

import Digests
import TestSupport
import Testing

@Suite struct `SHA-256` {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      String(repeating: "a", count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
    (
      String(repeating: "A", count: 512),
      "32beecb58a128af8248504600bd203dcc676adf41045300485655e6b8780a01d"
    ),
  ])
  func `agrees with published examples`(text: String, hex: String) {
    #expect(SHA256.digest(of: Array(text.utf8)).description == hex)
  }

  @Test func `is the same however the bytes are cut into pieces`() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let whole = SHA256.digest(of: bytes)
    for size in [1, 3, 63, 64, 65, 999] {
      var running = SHA256()
      for start in stride(from: 0, to: bytes.count, by: size) {
        unsafe bytes[start..<min(start + size, bytes.count)].withUnsafeBytes {
          unsafe running.update($0.bytes)
        }
      }
      #expect(running.finish() == whole, "pieces of \(size) bytes")
    }
  }

  @Test func `takes empty pieces`() {
    var running = SHA256()
    unsafe running.update(UnsafeRawBufferPointer(start: nil, count: 0).bytes)
    #expect(running.finish() == SHA256.digest(of: []))
  }

  @Test func `goes two ways from a copy`() {
    var running = SHA256()
    unsafe Array("ab".utf8).withUnsafeBytes { unsafe running.update($0.bytes) }
    let copy = running.copy()
    unsafe Array("c".utf8).withUnsafeBytes { unsafe running.update($0.bytes) }
    #expect(running.finish() == SHA256.digest(of: Array("abc".utf8)))
    #expect(copy.finish() == SHA256.digest(of: Array("ab".utf8)))
  }

  @Test func `of a real snapshot is what etcd appended to it`() {
    let digest = SHA256.digest(of: SnapshotFixture.database)
    #expect(digest.bytes == Array(SnapshotFixture.file.suffix(32)))
    #expect(digest.description == SnapshotFixture.sha256OfDatabase)
    #expect(SHA256.digest(of: SnapshotFixture.file).description == SnapshotFixture.sha256OfFile)
  }
}

@Suite struct `A SHA-256 digest` {
  let hex = SnapshotFixture.sha256OfDatabase

  @Test func `is read from hex in either case`() {
    #expect(SHA256Digest(hex: hex)?.description == hex)
    #expect(SHA256Digest(hex: hex.uppercased())?.description == hex)
  }

  @Test(arguments: [0, 31, 33])
  func `is made of nothing but 32 bytes`(count: Int) {
    #expect(SHA256Digest([UInt8](repeating: 1, count: count)) == nil)
    #expect(SHA256Digest(hex: String(repeating: "01", count: count)) == nil)
    #expect(SHA256Digest([UInt8](repeating: 1, count: 32)) != nil)
  }

  @Test(arguments: ["g", " ", "-", "é", "٣", "\u{1D7D9}"])
  func `refuses what is not a hex digit`(character: String) {
    #expect(SHA256Digest(hex: character + hex.dropFirst(character.utf8.count)) == nil)
  }
}
