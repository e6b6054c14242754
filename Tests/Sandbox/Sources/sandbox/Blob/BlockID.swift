// The rule for block ids.

import Foundation

/// Block ids are base64 of 1 to 64 bytes.
enum BlockID {
  static func check(_ id: String) throws(BlobError) -> String {
    guard let bytes = Data(base64Encoded: id), (1...64).contains(bytes.count) else {
      throw .invalidBlockID
    }
    return id
  }
}
