// Digests by swift-crypto, in the forms the wire wants.

import Crypto
import Foundation

/// Digests of bytes held in memory.
enum Digests {
  static func sha256Hex(_ bytes: [UInt8]) -> String {
    SHA256.hash(data: bytes).map { byte in
      String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }.joined()
  }

  static func md5(_ bytes: [UInt8]) -> String {
    Data(Insecure.MD5.hash(data: bytes)).base64EncodedString()
  }

  static func crc64(_ bytes: [UInt8]) -> String {
    var crc = CRC64()
    unsafe bytes.withUnsafeBytes { unsafe crc.update($0) }
    return crc.header
  }
}
