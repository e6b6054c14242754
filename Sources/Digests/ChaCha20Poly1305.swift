// ChaCha20-Poly1305 (RFC 8439) without additional data, computed by OpenSSL.

internal import COpenSSL

/// Encrypts, or decrypts and authenticates, messages under one key, each under a nonce of its own.
@safe package struct ChaCha20Poly1305: ~Copyable {
  package static let keyByteCount = 32
  package static let nonceByteCount = 12
  package static let tagByteCount = 16

  package enum Direction: Int32 {
    case open = 0
    case seal = 1
  }

  /// OpenSSL wipes the key in it when it is freed.
  private let context: OpaquePointer
  private let direction: Direction

  /// `key` is 32 bytes.
  package init(_ direction: Direction, key: borrowing SecretBytes) throws(OpenSSLError) {
    precondition(key.count == Self.keyByteCount, "a key of another size")
    guard let context = unsafe EVP_CIPHER_CTX_new() else {
      throw OpenSSLError("EVP_CIPHER_CTX_new")
    }
    let status = key.withBytes { key in
      unsafe key.withUnsafeBytes { key in
        unsafe EVP_CipherInit_ex(
          context, EVP_chacha20_poly1305(), nil,
          key.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, direction.rawValue)
      }
    }
    guard status == 1 else {
      unsafe EVP_CIPHER_CTX_free(context)
      throw OpenSSLError("EVP_CipherInit_ex for ChaCha20-Poly1305")
    }
    unsafe self.context = context
    self.direction = direction
  }

  deinit {
    unsafe EVP_CIPHER_CTX_free(context)
  }

  /// Writes the ciphertext of `plaintext`, then the tag, to the start of `output`.
  package mutating func seal(
    _ plaintext: RawSpan, nonce: RawSpan, into output: inout SecretBytes
  ) throws(OpenSSLError) {
    precondition(direction == .seal, "made to open")
    precondition(output.count >= plaintext.byteCount + Self.tagByteCount, "no room for the tag")
    try unsafe output.withUnsafeMutableBytes { output throws(OpenSSLError) in
      guard let start = output.baseAddress else { return }
      try begin(nonce)
      try unsafe crypt(plaintext, to: start)
      try unsafe finish(start + plaintext.byteCount)
      try OpenSSLError.check(
        unsafe EVP_CIPHER_CTX_ctrl(
          context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagByteCount), start + plaintext.byteCount),
        "EVP_CTRL_AEAD_GET_TAG")
    }
  }

  /// Writes the plaintext of `sealed`, which ends in the tag, to the start of `output`.
  ///
  /// Returns whether the tag is right. Where it is not, `output` holds nothing that may be used.
  package mutating func open(
    _ sealed: RawSpan, nonce: RawSpan, into output: inout SecretBytes
  ) throws(OpenSSLError) -> Bool {
    let count = sealed.byteCount - Self.tagByteCount
    precondition(direction == .open, "made to seal")
    precondition(count >= 0 && output.count >= max(count, 1), "no room for the plaintext")
    return try unsafe output.withUnsafeMutableBytes { output throws(OpenSSLError) in
      guard let start = output.baseAddress else { return false }
      try begin(nonce)
      let tag = sealed.extracting(last: Self.tagByteCount)
      let status = unsafe tag.withUnsafeBytes { tag in
        // OpenSSL reads the tag through a pointer that is mutable because other controls write.
        unsafe EVP_CIPHER_CTX_ctrl(
          context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count),
          UnsafeMutableRawPointer(mutating: tag.baseAddress))
      }
      try OpenSSLError.check(status, "EVP_CTRL_AEAD_SET_TAG")
      try unsafe crypt(sealed.extracting(first: count), to: start)
      var rest: Int32 = 0
      let isAuthentic =
        unsafe EVP_CipherFinal_ex(
          context, (start + count).assumingMemoryBound(to: UInt8.self), &rest) == 1
      if !isAuthentic {
        // OpenSSL queues no error for a wrong tag; one that it does queue is none of this message's.
        ERR_clear_error()
        unsafe OPENSSL_cleanse(start, count)
      }
      return isAuthentic
    }
  }

  private func begin(_ nonce: RawSpan) throws(OpenSSLError) {
    precondition(nonce.byteCount == Self.nonceByteCount, "a nonce of another size")
    let status = unsafe nonce.withUnsafeBytes { nonce in
      unsafe EVP_CipherInit_ex(
        context, nil, nil, nil, nonce.baseAddress?.assumingMemoryBound(to: UInt8.self),
        direction.rawValue)
    }
    try OpenSSLError.check(status, "EVP_CipherInit_ex")
  }

  private func crypt(
    _ input: RawSpan, to start: UnsafeMutableRawPointer
  ) throws(OpenSSLError) {
    guard input.byteCount > 0 else { return }
    var written: Int32 = 0
    let status = unsafe input.withUnsafeBytes { input in
      unsafe EVP_CipherUpdate(
        context, start.assumingMemoryBound(to: UInt8.self), &written,
        input.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(input.count))
    }
    try OpenSSLError.check(status, "EVP_CipherUpdate")
    precondition(Int(written) == input.byteCount, "a stream cipher holds nothing back")
  }

  private func finish(_ end: UnsafeMutableRawPointer) throws(OpenSSLError) {
    var rest: Int32 = 0
    try OpenSSLError.check(
      unsafe EVP_CipherFinal_ex(context, end.assumingMemoryBound(to: UInt8.self), &rest),
      "EVP_CipherFinal_ex")
  }
}
