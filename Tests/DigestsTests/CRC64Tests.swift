// CRC-64/NVME against values that Microsoft's own library computed, among others.

import Digests
import TestSupport
import Testing

@Suite struct `CRC-64` {
  @Test(
    arguments: [
      ([], 0x0000_0000_0000_0000),
      (Array("123456789".utf8), 0xae8b_1486_0a79_9888),
      (Array("a".utf8), 0x8c2f_8445_b4cb_fc3c),
      (Array("hello world".utf8), 0x8d29_d5c3_f6ea_8ebe),
      (Array(repeating: 0x00, count: 32), 0xcf34_7343_4d4e_cf3b),
      (Array(repeating: 0xff, count: 32), 0xa0a0_6974_c34d_63c4),
      (Array(0...255), 0xff71_e212_79d9_966e),
      (Array(repeating: 0x00, count: 4096), 0x6482_d367_eb22_b64e),
      (patternBytes(1 << 20), 0x8821_d9f1_50fe_c9fc),
      (SnapshotFixture.file, 0x6375_d8d6_0780_e059),
    ] as [([UInt8], UInt64)])
  func `agrees with known values`(bytes: [UInt8], value: UInt64) {
    #expect(unsafe bytes.withUnsafeBytes { unsafe CRC64.checksum(of: $0.bytes) } == value)
  }

  @Test func `goes on where it left off, wherever the bytes are split`() {
    let bytes = patternBytes(200)
    let whole = unsafe bytes.withUnsafeBytes { unsafe CRC64.checksum(of: $0.bytes) }
    for split in 0...bytes.count {
      var running = CRC64()
      unsafe bytes[..<split].withUnsafeBytes { unsafe running.update($0.bytes) }
      unsafe bytes[split...].withUnsafeBytes { unsafe running.update($0.bytes) }
      #expect(running.value == whole, "split at \(split)")
    }
  }

  @Test func `may be looked at in between`() {
    var running = CRC64()
    unsafe Array("123456789".utf8).withUnsafeBytes { unsafe running.update($0.bytes) }
    #expect(running.value == 0xae8b_1486_0a79_9888)
    unsafe Array("!".utf8).withUnsafeBytes { unsafe running.update($0.bytes) }
    #expect(
      unsafe running.value
        == Array("123456789!".utf8).withUnsafeBytes { unsafe CRC64.checksum(of: $0.bytes) })
  }

  @Test(arguments: 0..<17)
  func `agrees with the bit by bit definition at every alignment and length`(start: Int) {
    let bytes = (0..<64).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
    for end in start...bytes.count {
      let fast = unsafe bytes.withUnsafeBytes {
        unsafe CRC64.checksum(of: UnsafeRawBufferPointer(rebasing: $0[start..<end]).bytes)
      }
      #expect(fast == bitwiseChecksum(bytes[start..<end]), "bytes \(start)..<\(end)")
    }
  }

  /// One byte at a time never folds.
  @Test(arguments: [0, 1, 7]) func `is the same in one piece and byte by byte`(start: Int) {
    let bytes = patternBytes(700)
    for end in start...bytes.count {
      var running = CRC64()
      for byte in bytes[start..<end] {
        unsafe [byte].withUnsafeBytes { unsafe running.update($0.bytes) }
      }
      let whole = unsafe bytes.withUnsafeBytes {
        unsafe CRC64.checksum(of: UnsafeRawBufferPointer(rebasing: $0[start..<end]).bytes)
      }
      #expect(running.value == whole, "bytes \(start)..<\(end)")
    }
  }

  private func bitwiseChecksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var register = UInt64.max
    for byte in bytes {
      register ^= UInt64(byte)
      for _ in 0..<8 {
        register = register & 1 == 1 ? register >> 1 ^ 0x9A6C_9329_AC4B_C9B5 : register >> 1
      }
    }
    return ~register
  }
}
