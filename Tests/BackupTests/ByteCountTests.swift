// Sizes as people write them and as logs show them.

import Backup
import Testing

@Suite struct `A byte count` {
  @Test(arguments: [
    ("0", 0), ("1", 1), ("8388608", 8 << 20), ("0007", 7), ("1KiB", 1024), ("8MiB", 8 << 20),
    ("2GiB", 2 << 30), ("9223372036854775807", .max), ("8589934591GiB", 8_589_934_591 << 30),
  ])
  func `is a whole number of bytes, KiB, MiB or GiB`(text: String, bytes: Int) {
    #expect(ByteCount.parse(text) == bytes)
  }

  @Test(arguments: [
    "", "MiB", "-1", "+1", "1.5MiB", "8 MiB", " 8", "8MB", "8M", "8mib", "8MiBMiB", "0x10", "٣",
    "1e6", "8MiB\n", "9223372036854775808", "8589934592GiB", "99999999999999999999KiB",
  ])
  func `is nothing else`(text: String) {
    #expect(ByteCount.parse(text) == nil)
  }

  @Test(arguments: [
    (UInt64(0), "0 B"), (700, "700 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
    (8 << 20, "8.0 MiB"), (1_503_238_554, "1.4 GiB"), (UInt64.max, "17179869184.0 GiB"),
  ])
  func `is shown in the largest unit that it fills`(bytes: UInt64, text: String) {
    #expect(ByteCount.describe(bytes) == text)
  }
}
