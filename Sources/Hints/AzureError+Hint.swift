// What to do where the store did not do what it was asked.

package import Azure
internal import HTTP

extension AzureError {
  /// `nil` where only another attempt helps.
  package var hint: String? {
    switch self {
    case .unanswered(_, let error, _):
      switch error.kind {
      case .unknownHost:
        "Is storage-account right? An account that does not exist has no host name. And can this pod "
          + "reach a DNS server?"
      case .untrustedServer:
        "Name the authority that signed the store's certificate in APP_ABS_CA_FILE."
      default: error.hint
      }
    case .refused(let error, _): error.hint
    case .noToken(let error): error.hint
    case .unreadable: "Is APP_ABS_ENDPOINT the blob endpoint of the storage account?"
    case .damagedBlock: "Does a proxy between this pod and the store change requests?"
    case .tooManyBlocks: "Choose a larger APP_BACKUP_BLOCK_SIZE."
    case .emptyUpload, .nameTaken: nil
    case .unresolvedCommit(_, let cause): cause.hint
    case .optionRefused(.accessTier, _):
      "Remove APP_ABS_ACCESS_TIER, or use a general-purpose v2 account: premium accounts have no "
        + "access tiers."
    case .optionRefused(.immutability, _):
      "Enable version-level immutability of the container, and allow the data action "
        + "immutableStorage/runAsSuperUser (role Storage Blob Data Owner; of a SAS the permission i); "
        + "or remove APP_ABS_IMMUTABILITY."
    case .notAsSent: "Does another program write to or change blobs of this container?"
    }
  }
}

extension ServiceError {
  /// `nil` where only another attempt helps.
  package var hint: String? {
    if isClockSkew {
      return "Correct this node's clock: Azure takes requests dated within 15 minutes of its own."
    }
    if let hint = hintOfGrant ?? hintOfDetails { return hint }
    if let code, ServiceErrorCode.named(code) != nil { return ServiceErrorHints.hint(on: code) }
    if code == nil, status == 413 {
      return "Does a proxy limit the size of requests? Raise its limit above "
        + "APP_BACKUP_BLOCK_SIZE, or choose a smaller one."
    }
    if code == nil, requestID == nil {
      return "Something other than the store seems to have responded. Is APP_ABS_ENDPOINT right, "
        + "and is there a proxy on the way?"
    }
    return status == 429 || status == 503 ? "Is the storage account at its request limit?" : nil
  }

  /// Where the service names the header field that it does not take.
  private var hintOfDetails: String? {
    switch detail("HeaderName")?.lowercased() {
    case "x-ms-version":
      "Set APP_ABS_API_VERSION to a version of the service that the store knows, such as 2019-07-07 "
        + "for Azure Stack Hub."
    case "x-ms-content-crc64":
      "Use a store that checks CRC64: it needs version \(ServiceVersion.oldest) of the service or "
        + "a later one."
    default: nil
    }
  }
}
