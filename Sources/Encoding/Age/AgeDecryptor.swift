// An age file in, plaintext out.

internal import Digests

/// Decrypts a stream with whichever of its identities matches: made in `init`, fed with `append`,
/// ended by `finish`.
///
/// Only authenticated plaintext is passed on, chunk by chunk. That the file is complete is known when
/// `finish` has returned, and not before. After an error nothing more is passed on. Memory: the
/// header, at most 64 KiB, and two chunks of 64 KiB.
package struct AgeDecryptor: ~Copyable {
  private let identities: [AgeIdentity]
  private var header = HeaderReader()
  /// Known between the end of the header and the beginning of the payload.
  private var fileKey: FileKey?
  private var nonce: [UInt8] = []
  private var opener: ChunkOpener?
  private var held: [UInt8] = []
  private var hasFailed = false

  private static let nonceByteCount = 16

  package init(with identities: [AgeIdentity]) {
    self.identities = identities
  }

  /// Passes on every chunk that is complete and that more bytes follow.
  package mutating func append<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard !hasFailed else { throw Failure(AgeError.usedAfterError) }
    hasFailed = true
    var rest = bytes
    if opener == nil {
      let taken = try ageStep(Failure.self) { () throws(AgeError) in try takeBeginning(bytes) }
      rest = bytes.extracting(droppingFirst: taken)
    }
    while rest.byteCount > 0 {
      if held.count == Chunk.sealedByteCount {
        var chunk: [UInt8] = []
        swap(&chunk, &held)
        let count = try ageStep(Failure.self) { () throws(AgeError) in
          try unsafe opener?.open(chunk.span.bytes) ?? 0
        }
        chunk.removeAll(keepingCapacity: true)
        swap(&chunk, &held)
        try pass(count, to: sink)
      }
      // What is whole and not the last goes straight from the caller's bytes.
      if held.isEmpty, rest.byteCount > Chunk.sealedByteCount {
        let chunk = rest.extracting(first: Chunk.sealedByteCount)
        let count = try ageStep(Failure.self) { () throws(AgeError) in try opener?.open(chunk) ?? 0
        }
        rest = rest.extracting(droppingFirst: Chunk.sealedByteCount)
        try pass(count, to: sink)
      } else {
        let taken = min(Chunk.sealedByteCount - held.count, rest.byteCount)
        held.append(contentsOf: rest.extracting(first: taken))
        rest = rest.extracting(droppingFirst: taken)
      }
    }
    hasFailed = false
  }

  /// Passes on the last chunk. Throws unless the file ends as it should.
  package consuming func finish<Failure: ChainError>(
    to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    let count = try ageStep(Failure.self) { () throws(AgeError) in try openLast() }
    try pass(count, to: sink)
  }

  private mutating func openLast() throws(AgeError) -> Int {
    guard !hasFailed else { throw .usedAfterError }
    guard header.authenticationCode != nil else { throw header.truncation }
    guard opener != nil else { throw .truncatedPayload(chunks: 0) }
    let chunk = held
    return try unsafe opener?.openLast(chunk.span.bytes) ?? 0
  }

  private mutating func pass<Failure: ChainError>(
    _ count: Int, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard count > 0 else { return }
    try opener?.output.withBytes { bytes throws(Failure) in
      try sink(bytes.extracting(first: count))
    }
  }

  // MARK: Header and nonce

  /// Returns how many of the bytes belong to header and nonce.
  private mutating func takeBeginning(_ bytes: RawSpan) throws(AgeError) -> Int {
    var taken = 0
    if header.authenticationCode == nil {
      taken = try header.append(bytes)
      guard header.authenticationCode != nil else { return taken }
      try unlock()
    }
    let missing = min(Self.nonceByteCount - nonce.count, bytes.byteCount - taken)
    nonce.append(contentsOf: bytes.extracting(taken..<taken + missing))
    if nonce.count == Self.nonceByteCount { try beginPayload() }
    return taken + missing
  }

  private mutating func beginPayload() throws(AgeError) {
    guard let fileKey = fileKey.take() else { return }
    do throws(OpenSSLError) {
      opener = try ChunkOpener(key: fileKey.payloadKey(nonce: nonce))
    } catch {
      throw .openSSL(error)
    }
    held.reserveCapacity(Chunk.sealedByteCount)
  }

  /// Finds the file key, and with it checks that the header is as it was written.
  private mutating func unlock() throws(AgeError) {
    if header.otherKinds.contains("scrypt") { throw .passphrase }
    guard let fileKey = try unwrapFileKey() else {
      throw .noIdentityMatches(recipients: header.stanzas.count, otherKinds: header.otherKinds)
    }
    let computed: [UInt8]
    do throws(OpenSSLError) {
      computed = try unsafe fileKey.authenticationCode(of: header.authenticated.span.bytes)
    } catch {
      throw .openSSL(error)
    }
    guard let announced = header.authenticationCode,
      unsafe ConstantTime.areEqual(computed.span.bytes, announced.span.bytes)
    else { throw .alteredHeader }
    self.fileKey = consume fileKey
  }

  private func unwrapFileKey() throws(AgeError) -> FileKey? {
    for identity in identities {
      for stanza in header.stanzas {
        do throws(OpenSSLError) {
          switch try stanza.unwrapped(with: identity) {
          case .fileKey(let key): return key
          case .isForAnother: continue
          case .shareIsOfLowOrder: break
          }
        } catch {
          throw .openSSL(error)
        }
        throw .lowOrderShare
      }
    }
    return nil
  }
}
