// What a backup passes on its way into the store: zstd, then age, each only where it is wanted.

/// Encodes a stream: made in `init`, fed with `append`, ended by `finish`.
///
/// ```swift
/// var encoder = try StreamEncoder(compression: .fastest, recipients: recipients)
/// try encoder.append(bytes) { encoded throws(RunError) in try upload.append(encoded) }
/// let size = try encoder.finish { encoded throws(RunError) in try upload.append(encoded) }
/// ```
///
/// With neither step, bytes pass as they are, without a copy. After an error nothing more may be
/// appended; each step refuses it.
package struct StreamEncoder: ~Copyable {
  private var compressor: ZstdCompressor?
  private var encryption: Encryption

  /// Without a level nothing is compressed; without recipients nothing is encrypted.
  package init(compression: ZstdLevel?, recipients: [AgeRecipient]) throws(CodingError) {
    let compressor = try zstdStep(CodingError.self) { () throws(ZstdError) in
      try compression.map { level throws(ZstdError) in try ZstdCompressor(level) }
    }
    encryption = try ageStep(CodingError.self) { () throws(AgeError) in
      try Encryption(for: recipients)
    }
    self.compressor = compressor
  }

  /// How many bytes have been passed on so far.
  package var encodedByteCount: UInt64 { encryption.byteCount }

  package mutating func append<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard compressor != nil else { return try encryption.append(bytes, to: sink) }
    try compressor?.append(bytes) { compressed throws(Failure) in
      try encryption.append(compressed, to: sink)
    }
  }

  /// Passes on what is left. Returns how many bytes the encoding has.
  package consuming func finish<Failure: ChainError>(
    to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) -> UInt64 {
    try compressor.take()?.finish { compressed throws(Failure) in
      try encryption.append(compressed, to: sink)
    }
    try encryption.finish(to: sink)
    return encryption.byteCount
  }
}

/// The last step, which may be none, and how much has left it.
private struct Encryption: ~Copyable {
  private var encryptor: AgeEncryptor?
  private(set) var byteCount: UInt64 = 0

  init(for recipients: [AgeRecipient]) throws(AgeError) {
    encryptor = recipients.isEmpty ? nil : try AgeEncryptor(for: recipients)
  }

  mutating func append<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard encryptor != nil else {
      byteCount += UInt64(bytes.byteCount)
      return try sink(bytes)
    }
    try encryptor?.append(bytes) { encrypted throws(Failure) in
      byteCount += UInt64(encrypted.byteCount)
      try sink(encrypted)
    }
  }

  mutating func finish<Failure: ChainError>(
    to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    try encryptor.take()?.finish { encrypted throws(Failure) in
      byteCount += UInt64(encrypted.byteCount)
      try sink(encrypted)
    }
  }
}
