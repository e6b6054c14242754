// HMAC-SHA256 under a key that must not be copied.

internal import COpenSSL

extension HMACSHA256 {
  /// The 32-byte authentication code of `message` under `key`.
  package static func code(
    of message: RawSpan, key: borrowing SecretBytes
  ) throws(OpenSSLError) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
    let isComputed = key.withBytes { key in
      unsafe key.withUnsafeBytes { key in
        unsafe message.withUnsafeBytes { message in
          unsafe HMAC(
            EVP_sha256(), key.baseAddress, Int32(key.count), message.baseAddress, message.count,
            &code, nil) != nil
        }
      }
    }
    guard isComputed else { throw OpenSSLError("HMAC") }
    return code
  }
}
