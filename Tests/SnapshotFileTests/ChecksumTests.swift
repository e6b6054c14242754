import SnapshotFile
import Testing

@Suite struct `CRC-32C` {
  private func checksum(_ bytes: [UInt8], chunk: Int = .max) -> UInt32 {
    var checksum = CRC32C()
    for start in stride(from: 0, to: bytes.count, by: min(chunk, max(bytes.count, 1))) {
      checksum.update(Array(bytes[start..<min(bytes.count, start + min(chunk, bytes.count))]))
    }
    return checksum.value
  }

  // The check value of the catalogue of CRC algorithms.
  @Test func `of the digits`() {
    #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
  }

  @Test func `of three buckets of etcd`() {
    let text =
      "616c61726d6b657900000000000000025f00000000000000000a01611002180220012a013100000000000000035f"
      + "0000000000000000740a01616d657461636f6e73697374656e745f696e6465780000000000000005"
    let digits = text.utf8.map { $0 < 0x60 ? $0 - 0x30 : $0 - 0x57 }
    let bytes = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    #expect(checksum(bytes) == 0x6D30_1770)
  }

  @Test(arguments: [1, 7, 8, 9]) func `does not depend on how the bytes are divided`(chunk: Int) {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(checksum(bytes, chunk: chunk) == checksum(bytes))
  }
}
