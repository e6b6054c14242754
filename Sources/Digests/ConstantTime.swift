// Comparing secrets without telling by the time it takes where they differ.

internal import COpenSSL

package enum ConstantTime {
  /// Whether both hold the same bytes. Only a difference in length shortens the comparison.
  package static func areEqual(_ left: RawSpan, _ right: RawSpan) -> Bool {
    guard left.byteCount == right.byteCount else { return false }
    return unsafe left.withUnsafeBytes { left in
      unsafe right.withUnsafeBytes { right in
        unsafe CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
      }
    }
  }
}
