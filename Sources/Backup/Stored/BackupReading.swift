// The bytes of a blob on their way back: hashed as they are stored, decrypted, decompressed, verified as a snapshot.

internal import Digests
internal import Encoding
internal import SnapshotFile

/// Fed with all bytes of a blob in order. What they are, the first of them say.
struct BackupReading: ~Copyable {
  private let identities: [AgeIdentity]
  private var form: StreamForm?
  /// Of the blob; not computed where that is the snapshot itself.
  private var digest = SHA256()
  /// `nil` where the blob is the snapshot itself, and where nothing decrypts it.
  private var decoder: StreamDecoder?
  private var verifier: SnapshotVerifier
  /// Why nothing of it can be decrypted.
  private(set) var obstacle: Obstacle?

  /// Without a fitting identity, there is nothing behind the stored bytes.
  enum Obstacle: Equatable {
    case noIdentity
    case noneMatches(AgeError)
  }

  /// What all bytes together have shown.
  enum Result {
    case whole(sha256: SHA256Digest, VerifiedSnapshot)
    case undecrypted(sha256: SHA256Digest, Obstacle)
  }

  init(_ identities: Identities, checkingPages: Bool) {
    self.identities = identities.all
    verifier = SnapshotVerifier(checkingPages: checkingPages)
  }

  /// Hands out bytes of the snapshot, none of which may be used before `finish` has returned.
  mutating func append(_ bytes: RawSpan, _ use: (RawSpan) throws -> Void) throws {
    let form = try form ?? begin(bytes)
    guard form != .other else {
      try verifier.update(bytes)
      return try use(bytes)
    }
    digest.update(bytes)
    do throws(EncodingFailure) {
      try decoder?.append(bytes) { plain throws(EncodingFailure) in
        try verifier.update(plain, passingTo: use)
      }
    } catch {
      guard let cause = error.cause as? CodingError, case .age(let mismatch) = cause,
        case .noIdentityMatches = mismatch
      else { throw error.cause }
      decoder = nil
      obstacle = .noneMatches(mismatch)
    }
  }

  private mutating func begin(_ bytes: RawSpan) throws(CodingError) -> StreamForm {
    let form = StreamForm(bytes)
    self.form = form
    switch form {
    case .encrypted where identities.isEmpty: obstacle = .noIdentity
    case .encrypted: decoder = try StreamDecoder(identities: identities)
    case .compressed: decoder = try StreamDecoder(identities: nil, isCompressed: true)
    case .other: break
    }
    return form
  }

  /// Throws unless the blob holds one whole snapshot, or cannot be decrypted.
  consuming func finish(_ use: (RawSpan) throws -> Void) throws -> Result {
    if let obstacle { return .undecrypted(sha256: digest.finish(), obstacle) }
    guard form == .encrypted || form == .compressed else {
      let snapshot = try verifier.finish()
      return .whole(sha256: snapshot.sha256, snapshot)
    }
    do throws(EncodingFailure) {
      try decoder.take()?.finish { plain throws(EncodingFailure) in
        try verifier.update(plain, passingTo: use)
      }
    } catch {
      throw error.cause
    }
    return .whole(sha256: digest.finish(), try verifier.finish())
  }
}

extension SnapshotVerifier {
  /// Takes in bytes that were decoded, and hands them on.
  fileprivate mutating func update(
    _ plain: RawSpan, passingTo use: (RawSpan) throws -> Void
  ) throws(EncodingFailure) {
    do {
      try update(plain)
      try use(plain)
    } catch {
      throw EncodingFailure(cause: error)
    }
  }
}
