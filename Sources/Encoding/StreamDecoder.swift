// What a stored backup passes on its way back: age, then zstd, each only where it was encoded so.

/// Decodes a stream: made in `init`, fed with `append`, ended by `finish`.
///
/// What is passed on is authenticated where it was encrypted. It is complete, and where it was only
/// compressed it is undamaged, if `finish` returns. After an error nothing more is passed on.
package struct StreamDecoder: ~Copyable {
  private var decryptor: AgeDecryptor?
  private var decompressor: ZstdDecompressor?

  /// Without identities the stream is not encrypted.
  package init(identities: [AgeIdentity]?, isCompressed: Bool) throws(CodingError) {
    if let identities { decryptor = AgeDecryptor(with: identities) }
    decompressor = try zstdStep(CodingError.self) { () throws(ZstdError) in
      isCompressed ? try ZstdDecompressor() : nil
    }
  }

  package mutating func append<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard decryptor != nil else { return try decompressor.decode(bytes, to: sink) }
    try decryptor?.append(bytes) { decrypted throws(Failure) in
      try decompressor.decode(decrypted, to: sink)
    }
  }

  /// Passes on what is left. Throws unless the stream is whole.
  package consuming func finish<Failure: ChainError>(
    to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    try decryptor.take()?.finish { decrypted throws(Failure) in
      try decompressor.decode(decrypted, to: sink)
    }
    try zstdStep(Failure.self) { () throws(ZstdError) in
      try decompressor.take()?.finish()
    }
  }
}

extension ZstdDecompressor? {
  /// Without a decompressor, bytes pass as they are.
  fileprivate mutating func decode<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard self != nil else { return try sink(bytes) }
    try self?.append(bytes, to: sink)
  }
}
