// HKDF with SHA-256 (RFC 5869), computed by OpenSSL.

internal import COpenSSL

package enum HKDFSHA256 {
  /// Derives `count` bytes, at most 255 × 32, from `key`.
  package static func derive(
    from key: borrowing SecretBytes, salt: [UInt8], info: String, count: Int = 32
  ) throws(OpenSSLError) -> SecretBytes {
    var derived = SecretBytes(zeros: count)
    let info = Array(info.utf8)
    let status = key.withBytes { key in
      unsafe key.withUnsafeBytes { key in
        unsafe derived.withUnsafeMutableBytes { output in
          unsafe openssl_shim_hkdf_sha256(
            key.baseAddress, key.count, salt, salt.count, info, info.count, output.baseAddress,
            output.count)
        }
      }
    }
    try OpenSSLError.check(status, "EVP_KDF_derive for HKDF")
    return derived
  }
}
