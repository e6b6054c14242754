// What a stored backup passes on its way back: age, then zstd, each only where it was encoded so.

/// Decodes a stream: made in `init`, fed with `append`, ended by `finish`.
///
/// What is passed on is authenticated where it was encrypted. It is complete, and where it was only
/// compressed it is undamaged, if `finish` returns. After an error nothing more is passed on.
package struct StreamDecoder: ~Copyable {
  private var decryptor: AgeDecryptor?
  private var content: Content

  /// Without identities the stream is not encrypted. Where `isCompressed` is `nil`, the first bytes
  /// say it: a zstd frame begins with its mark, a snapshot with zeros.
  package init(identities: [AgeIdentity]?, isCompressed: Bool? = nil) throws(CodingError) {
    if let identities { decryptor = AgeDecryptor(with: identities) }
    content = try zstdStep(CodingError.self) { () throws(ZstdError) in
      try Content(isCompressed: isCompressed)
    }
  }

  package mutating func append<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard decryptor != nil else { return try content.append(bytes, to: sink) }
    try decryptor?.append(bytes) { decrypted throws(Failure) in
      try content.append(decrypted, to: sink)
    }
  }

  /// Passes on what is left. Throws unless the stream is whole.
  package consuming func finish<Failure: ChainError>(
    to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    try decryptor.take()?.finish { decrypted throws(Failure) in
      try content.append(decrypted, to: sink)
    }
    try content.finish(to: sink)
  }
}

/// What a stream begins with says what it is.
package enum StreamForm: Equatable, Sendable {
  case encrypted
  case compressed
  /// Neither: a snapshot, or bytes that are none.
  case other

  private static let ageMark = Array("age-encryption.org/".utf8)

  package init(_ beginning: RawSpan) {
    if Self.begins(beginning, with: Self.ageMark) {
      self = .encrypted
    } else if Self.begins(beginning, with: ZstdMark.frameMark) {
      self = .compressed
    } else {
      self = .other
    }
  }

  private static func begins(_ bytes: RawSpan, with mark: [UInt8]) -> Bool {
    bytes.byteCount >= mark.count && mark.indices.allSatisfy { bytes.byte(at: $0) == mark[$0] }
  }
}

/// The last step: zstd, nothing, or whichever of the two the first bytes ask for.
private struct Content: ~Copyable {
  private var decompressor: ZstdDecompressor?
  /// The first bytes, until they say what they are; `nil` once that is known.
  private var beginning: [UInt8]?

  init(isCompressed: Bool?) throws(ZstdError) {
    beginning = isCompressed == nil ? [] : nil
    decompressor = isCompressed == true ? try ZstdDecompressor() : nil
  }

  mutating func append<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    var rest = bytes
    if var mark = beginning {
      let taken = min(ZstdMark.frameMark.count - mark.count, rest.byteCount)
      mark.append(contentsOf: rest.extracting(first: taken))
      rest = rest.extracting(droppingFirst: taken)
      guard mark.count == ZstdMark.frameMark.count else {
        beginning = mark
        return
      }
      beginning = nil
      if mark == ZstdMark.frameMark {
        decompressor = try zstdStep(Failure.self) { () throws(ZstdError) in
          try ZstdDecompressor()
        }
      }
      try unsafe pass(mark.span.bytes, to: sink)
    }
    if rest.byteCount > 0 { try pass(rest, to: sink) }
  }

  mutating func finish<Failure: ChainError>(
    to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    if let mark = beginning, !mark.isEmpty { try unsafe sink(mark.span.bytes) }
    try zstdStep(Failure.self) { () throws(ZstdError) in
      try decompressor.take()?.finish()
    }
  }

  private mutating func pass<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard decompressor != nil else { return try sink(bytes) }
    try decompressor?.append(bytes, to: sink)
  }
}
