// The name of one block within a blob being uploaded.

internal import FoundationEssentials

/// Azure wants every block id of a blob to be base64 of the same length (at most 64 bytes before
/// encoding). The run's part keeps two uploads to the same name from mixing their blocks.
///
/// See https://learn.microsoft.com/rest/api/storageservices/put-block#uri-parameters.
package struct BlockID: Hashable, Sendable, CustomStringConvertible {
  /// As it stands in a block list; still to be percent-encoded in a URL.
  package let description: String

  /// Azure commits no more blocks than this into one blob.
  package static let maximumCount = 50_000

  /// `index` is the block's position in the blob, from 0.
  package init(run: RunID, index: Int) {
    precondition((0..<Self.maximumCount).contains(index), "no blob has a block \(index)")
    let digits = String(index)
    let padded = String(repeating: "0", count: 5 - digits.utf8.count) + digits
    description = Data("\(run)-\(padded)".utf8).base64EncodedString()
  }

  /// An id that the service itself told us.
  init(listed id: String) {
    description = id
  }
}
