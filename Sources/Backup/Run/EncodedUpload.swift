// The upload of a backup as it is to be stored: compressed, encrypted, both or neither.

internal import Azure
internal import Digests
package import Encoding
package import HTTP

/// What the snapshot's bytes pass between their verification and the blocks. In a spool they are
/// encoded already.
struct EncodedUpload: ~Copyable {
  private var upload: SpooledUpload
  private var encoder: StreamEncoder?
  /// Of what is stored; not computed where that is the snapshot itself.
  private var digest: SHA256?

  init(_ upload: consuming SpooledUpload, _ settings: EncodingSettings) throws {
    do throws(CodingError) {
      encoder = try StreamEncoder(
        compression: settings.compression, recipients: settings.recipients)
    } catch {
      throw EncodingFailure(error)
    }
    digest = settings.isOff ? nil : SHA256()
    self.upload = upload
  }

  /// Takes bytes of the snapshot in, behind all that came before.
  mutating func append(_ bytes: RawSpan) throws {
    guard digest != nil else { return try upload.append(bytes) }
    do throws(EncodingFailure) {
      try encoder?.append(bytes) { encoded throws(EncodingFailure) in
        digest?.update(encoded)
        try upload.passing(encoded)
      }
    } catch {
      throw error.cause
    }
  }

  /// Waits until every byte is stored. Returns the SHA-256 of them all, and `nil` where they are the
  /// snapshot itself.
  ///
  /// Call it once the snapshot has been verified: before, what is stored is not even a whole frame.
  mutating func finishBlocks() throws -> SHA256Digest? {
    if digest != nil {
      do throws(EncodingFailure) {
        _ = try encoder.take()?.finish { encoded throws(EncodingFailure) in
          digest?.update(encoded)
          try upload.passing(encoded)
        }
      } catch {
        throw error.cause
      }
    }
    try upload.finishBlocks()
    return digest.take()?.finish()
  }

  /// Makes the blob visible. Call it once, after `finishBlocks`.
  consuming func commit(
    metadata: BlobMetadata, options: CommitOptions
  ) throws(AzureError) -> BlobReceipt {
    try upload.commit(metadata: metadata, options: options)
  }
}

extension SpooledUpload {
  fileprivate mutating func passing(_ bytes: RawSpan) throws(EncodingFailure) {
    do {
      try append(bytes)
    } catch {
      throw EncodingFailure(cause: error)
    }
  }
}

/// Carries the error of an encoder, or of what takes its bytes, through the chain.
struct EncodingFailure: ChainError {
  let cause: any Error

  init(cause: any Error) { self.cause = cause }

  init(_ error: AgeError) { cause = CodingError.age(error) }
  init(_ error: ZstdError) { cause = CodingError.zstd(error) }

  init(_ error: CodingError) { cause = error }
}

extension CodingError: OperatorError {
  package var isConfiguration: Bool {
    if case .age(.openSSL) = self { true } else { false }
  }
  package var stopReason: StopReason? { nil }
}
