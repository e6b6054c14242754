// The nonces of a payload's chunks.

internal import Digests

/// Counts chunks: a nonce is the chunk's number, from 0, in 11 bytes, and a byte that says whether it
/// is the last one.
package struct ChunkNonce {
  /// The number of the next chunk, from 0.
  package private(set) var chunk: UInt64

  package init(chunk: UInt64 = 0) {
    self.chunk = chunk
  }

  package func bytes(isLast: Bool) -> [UInt8] {
    // The format has room for 2^88 chunks; 2^64 are a yottabyte.
    var bytes = [UInt8](repeating: 0, count: ChaCha20Poly1305.nonceByteCount)
    for index in 0..<8 { bytes[10 - index] = UInt8(truncatingIfNeeded: chunk >> UInt64(8 * index)) }
    bytes[11] = isLast ? 1 : 0
    return bytes
  }

  /// A number is never used twice; so there is an end.
  package mutating func advance() throws(AgeError) {
    let (next, overflows) = chunk.addingReportingOverflow(1)
    guard !overflows else { throw .tooManyChunks }
    chunk = next
  }
}
