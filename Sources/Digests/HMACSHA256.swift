// HMAC-SHA256 (RFC 2104), computed by OpenSSL: what Azure's SharedKey signs with, and age its headers.

internal import COpenSSL

package enum HMACSHA256 {
  /// The 32-byte authentication code of `message` under `key`.
  package static func code(of message: [UInt8], key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
    let result = unsafe HMAC(
      EVP_sha256(), key, Int32(key.count), message, message.count, &code, nil)
    // Fails only without memory. Ending here is safe: a run may die between any two requests, and no
    // request is sent without its signature.
    precondition(unsafe result != nil, "OpenSSL could not compute an HMAC-SHA256")
    return code
  }

  /// The same under a key that must not be copied.
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
