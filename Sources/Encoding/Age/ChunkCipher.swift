// One chunk of an age payload at a time.

internal import Digests

enum Chunk {
  static let byteCount = 65_536
  static let sealedByteCount = byteCount + ChaCha20Poly1305.tagByteCount
}

/// Encrypts chunk after chunk into one buffer.
struct ChunkSealer: ~Copyable {
  private var cipher: ChaCha20Poly1305
  private var nonce = ChunkNonce()
  /// Holds the chunk sealed last.
  private(set) var output = SecretBytes(zeros: Chunk.sealedByteCount)

  init(key: borrowing SecretBytes) throws(OpenSSLError) {
    cipher = try ChaCha20Poly1305(.seal, key: key)
  }

  /// Returns how many bytes of `output` the sealed chunk takes.
  mutating func seal(_ plaintext: RawSpan, isLast: Bool) throws(AgeError) -> Int {
    let bytes = nonce.bytes(isLast: isLast)
    try nonce.advance()
    do throws(OpenSSLError) {
      try unsafe cipher.seal(plaintext, nonce: bytes.span.bytes, into: &output)
    } catch {
      throw .openSSL(error)
    }
    return plaintext.byteCount + ChaCha20Poly1305.tagByteCount
  }
}

/// Decrypts chunk after chunk into one buffer.
struct ChunkOpener: ~Copyable {
  private var cipher: ChaCha20Poly1305
  private var nonce = ChunkNonce()
  /// Holds the chunk opened last.
  private(set) var output = SecretBytes(zeros: Chunk.byteCount)

  init(key: borrowing SecretBytes) throws(OpenSSLError) {
    cipher = try ChaCha20Poly1305(.open, key: key)
  }

  /// The number of the next chunk, from 1.
  var number: UInt64 { nonce.chunk &+ 1 }

  /// Opens a chunk that more bytes follow; returns how many bytes of `output` it takes.
  mutating func open(_ sealed: RawSpan) throws(AgeError) -> Int {
    guard try isAuthentic(sealed, isLast: false) else {
      throw try isAuthentic(sealed, isLast: true)
        ? .trailingBytes(chunks: number) : .alteredChunk(number)
    }
    try nonce.advance()
    return sealed.byteCount - ChaCha20Poly1305.tagByteCount
  }

  /// Opens the chunk that ends the file; returns how many bytes of `output` it takes.
  mutating func openLast(_ sealed: RawSpan) throws(AgeError) -> Int {
    guard sealed.byteCount > 0 else { throw .truncatedPayload(chunks: nonce.chunk) }
    guard sealed.byteCount >= ChaCha20Poly1305.tagByteCount else {
      throw .cutOrAlteredLastChunk(number)
    }
    guard try isAuthentic(sealed, isLast: true) else {
      guard try isAuthentic(sealed, isLast: false) else { throw .cutOrAlteredLastChunk(number) }
      throw sealed.byteCount == Chunk.sealedByteCount
        ? .truncatedPayload(chunks: number) : .shortChunk(number)
    }
    let count = sealed.byteCount - ChaCha20Poly1305.tagByteCount
    guard count > 0 || nonce.chunk == 0 else { throw .emptyLastChunk(number) }
    return count
  }

  private mutating func isAuthentic(_ sealed: RawSpan, isLast: Bool) throws(AgeError) -> Bool {
    let bytes = nonce.bytes(isLast: isLast)
    do throws(OpenSSLError) {
      return try unsafe cipher.open(sealed, nonce: bytes.span.bytes, into: &output)
    } catch {
      throw .openSSL(error)
    }
  }
}
