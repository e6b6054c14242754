// Plaintext in, an age file out.

package import Digests

/// Encrypts a stream for all of its recipients: made in `init`, fed with `append`, ended by `finish`.
///
/// Memory: one chunk of plaintext and one of ciphertext, 64 KiB each. A chunk is held back until more
/// bytes or the end have come, since the last one is marked. After an error nothing more is taken.
package struct AgeEncryptor: ~Copyable {
  /// Header and payload nonce; empty once they have been passed on.
  private var beginning: [UInt8]
  private var sealer: ChunkSealer
  private var held: [UInt8] = []
  private var hasFailed = false

  private static let nonceByteCount = 16

  /// `random` is another source in tests only: what is not random protects nothing.
  package init(
    for recipients: [AgeRecipient], random: consuming some RandomBytes = SystemRandom()
  ) throws(AgeError) {
    guard !recipients.isEmpty else { throw .noRecipients }
    var beginning: [UInt8] = []
    do throws(OpenSSLError) {
      sealer = try Self.sealer(for: recipients, random: &random, beginning: &beginning)
    } catch {
      throw .openSSL(error)
    }
    self.beginning = beginning
    held.reserveCapacity(Chunk.byteCount)
  }

  /// Draws the keys; writes header and payload nonce to `beginning`.
  private static func sealer(
    for recipients: [AgeRecipient], random: inout some RandomBytes, beginning: inout [UInt8]
  ) throws(OpenSSLError) -> ChunkSealer {
    let fileKey = try FileKey(from: &random)
    var stanzas: [X25519Stanza] = []
    for recipient in recipients {
      stanzas.append(try X25519Stanza(wrapping: fileKey, for: recipient, random: &random))
    }
    var drawn = SecretBytes(zeros: nonceByteCount)
    try random.fill(&drawn)
    let nonce = drawn.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
    beginning = try HeaderText.header(stanzas, fileKey: fileKey) + nonce
    return try ChunkSealer(key: fileKey.payloadKey(nonce: nonce))
  }

  /// How long the age file of that much plaintext is.
  package static func byteCount(ofPlaintext count: UInt64, recipientCount: Int) -> UInt64 {
    let chunks = max(1, (count + UInt64(Chunk.byteCount) - 1) / UInt64(Chunk.byteCount))
    return UInt64(HeaderText.byteCount(recipientCount: recipientCount) + nonceByteCount) + count
      + chunks * UInt64(ChaCha20Poly1305.tagByteCount)
  }

  /// Passes on every chunk that is complete and cannot be the last.
  package mutating func append<Failure: ChainError>(
    _ plaintext: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard !hasFailed else { throw Failure(AgeError.usedAfterError) }
    hasFailed = true
    try begin(sink)
    var rest = plaintext
    while rest.byteCount > 0 {
      if held.count == Chunk.byteCount {
        var chunk: [UInt8] = []
        swap(&chunk, &held)
        try unsafe pass(chunk.span.bytes, to: sink)
        chunk.removeAll(keepingCapacity: true)
        swap(&chunk, &held)
      }
      // What is whole and not the last goes straight from the caller's bytes.
      if held.isEmpty, rest.byteCount > Chunk.byteCount {
        try pass(rest.extracting(first: Chunk.byteCount), to: sink)
        rest = rest.extracting(droppingFirst: Chunk.byteCount)
      } else {
        let taken = min(Chunk.byteCount - held.count, rest.byteCount)
        held.append(contentsOf: rest.extracting(first: taken))
        rest = rest.extracting(droppingFirst: taken)
      }
    }
    hasFailed = false
  }

  /// Passes on the last chunk, without which nothing is a whole age file.
  package consuming func finish<Failure: ChainError>(
    to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard !hasFailed else { throw Failure(AgeError.usedAfterError) }
    try begin(sink)
    let chunk = held
    try unsafe pass(chunk.span.bytes, isLast: true, to: sink)
  }

  private mutating func begin<Failure: ChainError>(
    _ sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard !beginning.isEmpty else { return }
    let bytes = beginning
    beginning = []
    try unsafe sink(bytes.span.bytes)
  }

  private mutating func pass<Failure: ChainError>(
    _ plaintext: RawSpan, isLast: Bool = false, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    let count = try ageStep(Failure.self) { () throws(AgeError) in
      try sealer.seal(plaintext, isLast: isLast)
    }
    try sealer.output.withBytes { bytes throws(Failure) in
      try sink(bytes.extracting(first: count))
    }
  }
}
