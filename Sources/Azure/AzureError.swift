// What can go wrong between this program and a container of Azure Blob Storage.

package import HTTP

package enum AzureError: Error, Equatable {
  /// No whole answer came.
  case unanswered(StorageOperation, TransferError, attempts: Int)
  /// The service, or something in front of it, said no.
  case refused(ServiceError, attempts: Int)
  /// The answer says yes, but not what it must say.
  case unreadable(StorageOperation, url: String, reason: String)
  /// There is nothing to authorise a request with.
  case noToken(TokenError)
  /// The checksum of what the service stored is not that of what was sent.
  case damagedBlock(BlobName, index: Int, attempts: Int)
  case tooManyBlocks(BlobName)
  /// Nothing was appended, so there is nothing to commit.
  case emptyUpload(BlobName)
  /// A blob of this name exists, and another run wrote it.
  case nameTaken(BlobName)
  /// Whether the blob is visible now is not known.
  indirect case unresolvedCommit(BlobName, cause: AzureError)
  /// The account does not support what a commit asks for.
  case optionRefused(CommitOption, reason: String)
  /// What the store holds under this name is not what was sent.
  case notAsSent(BlobName, difference: String)
}

extension AzureError {
  /// Whether the same request may well succeed a little later.
  package var isTransient: Bool {
    switch self {
    case .unanswered(_, let error, _): error.isTransient
    case .refused(let error, _): error.isTransient
    case .damagedBlock: true
    // Was tried again long enough already.
    case .noToken: false
    case .unreadable, .tooManyBlocks, .emptyUpload, .nameTaken, .unresolvedCommit, .optionRefused,
      .notAsSent:
      false
    }
  }

  /// Whether the configuration or a permission is wrong, so that another run cannot help.
  package var isConfiguration: Bool {
    switch self {
    case .unanswered(_, let error, _): error.isConfiguration
    case .refused(let error, _): error.isConfiguration
    case .noToken(let error): error.isConfiguration
    case .tooManyBlocks, .optionRefused: true
    case .unresolvedCommit(_, let cause): cause.isConfiguration
    case .unreadable, .damagedBlock, .emptyUpload, .nameTaken, .notAsSent: false
    }
  }

  /// Why the run had to stop, where that is what ended the transfer.
  package var stopReason: StopReason? {
    switch self {
    case .unanswered(_, let error, _):
      if case .stopped(let reason) = error.kind { reason } else { nil }
    case .noToken(let error): error.stopReason
    case .unresolvedCommit(_, let cause): cause.stopReason
    default: nil
    }
  }

  /// How long the service asks to be left alone.
  var retryAfter: Duration? {
    if case .refused(let error, _) = self { error.retryAfter } else { nil }
  }

  /// Whether the request failed only because its credential had to be replaced.
  var isCredentialReplaced: Bool {
    if case .refused(let error, _) = self { error.isCredentialReplaced } else { false }
  }

  /// `nil` where the service did not refuse.
  var errorClass: ErrorClass? {
    if case .refused(let error, _) = self { error.errorClass } else { nil }
  }
}

extension AzureError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unanswered(let operation, let error, let attempts):
      "\(operation.rawValue) failed\(Self.after(attempts)): \(error)"
    case .refused(let error, let attempts):
      "\(error)\(Self.after(attempts))"
    case .unreadable(let operation, let url, let reason):
      "the answer to \(operation.rawValue) of \(url) cannot be used: \(reason)"
    case .noToken(let error): "\(error)"
    case .damagedBlock(let blob, let index, let attempts):
      "block \(index) of \(blob) was damaged on its way to the store\(Self.after(attempts))"
    case .tooManyBlocks(let blob):
      "\(blob) needs more than the \(BlockID.maximumCount) blocks that Azure allows a blob"
    case .emptyUpload(let blob):
      "nothing was written to \(blob), so it was not committed"
    case .nameTaken(let blob):
      "a blob named \(blob) exists already, and this run did not write it"
    case .unresolvedCommit(let blob, let cause):
      "whether \(blob) was committed is not known: \(cause)"
    case .optionRefused(.accessTier, let reason):
      "the store did not take the access tier: \(reason)"
    case .optionRefused(.immutability, let reason):
      "the store did not protect the backup from deletion: \(reason)"
    case .notAsSent(let blob, let difference):
      "the store does not hold \(blob) as it was sent: \(difference)"
    }
  }

  private static func after(_ attempts: Int) -> String {
    attempts > 1 ? " after \(attempts) attempts" : ""
  }
}
