// X25519 key agreement (RFC 7748), computed by OpenSSL.

internal import COpenSSL

/// A point of the curve, as its 32 bytes.
package struct X25519PublicKey: Hashable, Sendable {
  package static let byteCount = 32

  package let bytes: [UInt8]

  /// Returns `nil` unless there are exactly 32 bytes.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// Whether every key agreement with this point gives zeros, so that it protects nothing.
  ///
  /// Private keys are multiples of 8, and these points vanish when multiplied by 8. So one private
  /// key answers for all.
  package func isOfLowOrder() throws(OpenSSLError) -> Bool {
    let any = try X25519PrivateKey(SecretBytes(zeros: X25519PrivateKey.byteCount))
    let secret = try any.sharedSecret(with: self)
    return secret == nil
  }
}

/// Owns one private key within OpenSSL, which wipes it when it goes.
@safe package struct X25519PrivateKey: ~Copyable {
  package static let byteCount = 32

  private let key: OpaquePointer
  package let publicKey: X25519PublicKey

  /// `bytes` are exactly 32.
  package init(_ bytes: borrowing SecretBytes) throws(OpenSSLError) {
    precondition(bytes.count == Self.byteCount, "a private key of another size")
    let made = unsafe bytes.withBytes { bytes in
      unsafe bytes.withUnsafeBytes { bytes in
        unsafe EVP_PKEY_new_raw_private_key(
          EVP_PKEY_X25519, nil, bytes.baseAddress, bytes.count)
      }
    }
    guard let key = unsafe made else { throw OpenSSLError("EVP_PKEY_new_raw_private_key") }
    var point = [UInt8](repeating: 0, count: X25519PublicKey.byteCount)
    var size = point.count
    let status = unsafe EVP_PKEY_get_raw_public_key(key, &point, &size)
    guard status == 1, let publicKey = X25519PublicKey(point) else {
      unsafe EVP_PKEY_free(key)
      throw OpenSSLError("EVP_PKEY_get_raw_public_key")
    }
    unsafe self.key = key
    self.publicKey = publicKey
  }

  deinit {
    unsafe EVP_PKEY_free(key)
  }

  /// The 32 bytes that both sides agree on; `nil` where `other` is of low order.
  package borrowing func sharedSecret(
    with other: X25519PublicKey
  ) throws(OpenSSLError) -> SecretBytes? {
    guard
      let peer = unsafe EVP_PKEY_new_raw_public_key(
        EVP_PKEY_X25519, nil, other.bytes, other.bytes.count)
    else { throw OpenSSLError("EVP_PKEY_new_raw_public_key") }
    defer { unsafe EVP_PKEY_free(peer) }
    guard let context = unsafe EVP_PKEY_CTX_new(key, nil) else {
      throw OpenSSLError("EVP_PKEY_CTX_new")
    }
    defer { unsafe EVP_PKEY_CTX_free(context) }
    try OpenSSLError.check(unsafe EVP_PKEY_derive_init(context), "EVP_PKEY_derive_init")
    try OpenSSLError.check(
      unsafe EVP_PKEY_derive_set_peer(context, peer), "EVP_PKEY_derive_set_peer")
    var secret = SecretBytes(zeros: Self.byteCount)
    let status = unsafe secret.withUnsafeMutableBytes { buffer in
      var size = buffer.count
      return unsafe EVP_PKEY_derive(context, buffer.baseAddress, &size)
    }
    if status != 1, Self.isAllZeros(ERR_peek_last_error()) {
      ERR_clear_error()
      return nil
    }
    try OpenSSLError.check(status, "EVP_PKEY_derive")
    return secret
  }

  /// The code with which OpenSSL refuses a shared secret of zeros, and nothing else of X25519.
  private static func isAllZeros(_ code: UInt) -> Bool {
    ERR_GET_LIB(code) == ERR_LIB_PROV && ERR_GET_REASON(code) == PROV_R_FAILED_DURING_DERIVATION
  }
}
