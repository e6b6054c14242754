// Digests by OpenSSL, in the forms the wire wants.

import COpenSSL
import Foundation

/// Digests of bytes held in memory.
enum Digests {
  static func sha256Hex(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    let isMade =
      unsafe EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil) == 1
    precondition(isMade, "a digest of bytes in memory does not fail")
    return hex(digest)
  }

  static func md5(_ bytes: [UInt8]) -> String {
    let digest = MD5()
    unsafe bytes.withUnsafeBytes { unsafe digest.update($0) }
    return digest.base64
  }

  static func crc64(_ bytes: [UInt8]) -> String {
    var crc = CRC64()
    unsafe bytes.withUnsafeBytes { unsafe crc.update($0) }
    return crc.header
  }

  /// HMAC-SHA-256.
  static func authenticationCode(of text: String, key: Data) -> Data {
    var code = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    let bytes = Array(text.utf8)
    let isMade = unsafe key.withUnsafeBytes { key in
      unsafe HMAC(
        EVP_sha256(), key.baseAddress, Int32(key.count), bytes, bytes.count, &code, &length) != nil
    }
    precondition(isMade, "HMAC-SHA-256 of bytes in memory does not fail")
    return Data(code.prefix(Int(length)))
  }

  static func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}

/// A running MD5.
@safe final class MD5 {
  private let context: OpaquePointer

  init() {
    guard let context = unsafe EVP_MD_CTX_new(),
      unsafe EVP_DigestInit_ex(context, EVP_md5(), nil) == 1
    else { preconditionFailure("MD5 is a part of OpenSSL's default provider") }
    unsafe self.context = context
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    let isAdded = unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
    precondition(isAdded, "a digest of bytes in memory does not fail")
  }

  /// The digest of everything so far in base64; ends the computation.
  var base64: String {
    var digest = [UInt8](repeating: 0, count: 16)
    let isMade = unsafe EVP_DigestFinal_ex(context, &digest, nil) == 1
    precondition(isMade, "a digest of bytes in memory does not fail")
    return Data(digest).base64EncodedString()
  }
}
