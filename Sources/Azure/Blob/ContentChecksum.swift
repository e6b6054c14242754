// A CRC-64 as `x-ms-content-crc64` carries it: eight bytes, the lowest first, in base64.

package import Digests
internal import FoundationEssentials

extension CRC64 {
  package var headerValue: String {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    return Data(bytes).base64EncodedString()
  }
}
