// Bytes as hex digits.

import Digests
import Testing

@Suite struct `Hex digits` {
  @Test func `are two for each byte, in lower case`() {
    #expect(Hex.lowercase([0x00, 0x0f, 0xa0, 0xff]) == "000fa0ff")
  }

  @Test func `of nothing are none`() {
    #expect(Hex.lowercase([]) == "")
  }

  @Test func `read back as the byte they stand for`() {
    for byte in UInt8.min...UInt8.max {
      #expect(UInt8(Hex.lowercase([byte]), radix: 16) == byte)
    }
  }
}
