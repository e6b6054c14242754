// What stands for a byte that a URL cannot hold.

import HTTP
import Testing

@Suite struct `Percent-encoding` {
  @Test func `keeps exactly the unreserved characters of RFC 3986`() {
    let kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    #expect(PercentEncoding.encode(kept) == kept)
    for byte in UInt8(0)..<128 where !kept.utf8.contains(byte) {
      let digits = String(byte, radix: 16, uppercase: true)
      let padded = digits.utf8.count == 1 ? "0\(digits)" : digits
      #expect(PercentEncoding.encode(String(UnicodeScalar(byte))) == "%\(padded)")
    }
  }

  @Test(arguments: [
    ("", ""), ("a b", "a%20b"), ("+/8AAAAB", "%2B%2F8AAAAB"), ("MDAwMDAwMDA=", "MDAwMDAwMDA%3D"),
    ("2025-03-01T02:03:04Z.db", "2025-03-01T02%3A03%3A04Z.db"), ("ü€", "%C3%BC%E2%82%AC"),
    ("100%", "100%25"), ("a/b", "a%2Fb"),
  ])
  func `of one segment or value`(text: String, encoded: String) {
    #expect(PercentEncoding.encode(text) == encoded)
  }

  @Test func `of a path leaves its slashes`() {
    #expect(PercentEncoding.encodePath("a b/c:d/é/") == "a%20b/c%3Ad/%C3%A9/")
  }

  @Test func `comes back from what was encoded`() {
    for text in ["", "a b/c:d/é/€", "100%", "%25", "+/8AAAAB==", "\u{0}\u{10FFFF}"] {
      #expect(PercentEncoding.decode(PercentEncoding.encode(text)) == text)
      #expect(PercentEncoding.decode(PercentEncoding.encodePath(text)) == text)
    }
  }

  @Test func `is read in either case, and a plus is a plus`() {
    #expect(PercentEncoding.decode("%c3%BC+%2f") == "ü+/")
  }

  @Test(arguments: ["%", "%4", "a%", "%zz", "%4g", "%%41", "%-1", "%c3", "%ff", "%c3x"])
  func `that is none is not read`(text: String) {
    #expect(PercentEncoding.decode(text) == nil)
  }
}
