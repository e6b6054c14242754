// Every error code that Azure publishes for the Blob service, with what it means to this program.

/// What can be done about a refusal.
package enum ErrorClass: Hashable, Sendable {
  /// The same request may succeed a little later.
  case transient
  /// No such request succeeds before a change of the configuration, a permission, the account
  /// or this program: exit status 78.
  case permanent
  /// A policy, a legal hold or a lease protects the blob.
  case protected
  /// There is no such blob.
  case absent
  /// A condition of the request does not hold, such as that the name is free.
  case conditionNotMet
  /// The state of one blob is in the way; another run, with another blob, may succeed.
  case blobState
}

/// One row of the table.
package struct ServiceErrorCode: Sendable {
  package let errorClass: ErrorClass
  /// What an operator can do about it.
  package let hint: String?

  private init(_ errorClass: ErrorClass, _ hint: String? = nil) {
    self.errorClass = errorClass
    self.hint = hint
  }

  /// The row of a code; `nil` for one that Azure does not publish: then the status decides.
  package static func named(_ code: String) -> ServiceErrorCode? { all[code] }

  /// The published lists, as of 2026, and a few codes that the service sends without listing them:
  ///
  /// - https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
  /// - https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
  ///
  /// Some belong to requests that this program never makes, such as copies; they are listed so that
  /// the table is complete.
  package static let all: [String: ServiceErrorCode] = tables.reduce(into: [:]) { all, table in
    all.merge(table) { first, _ in first }
  }

  /// More than `all` has where a code stands in two tables.
  package static var rowCount: Int { tables.reduce(0) { $0 + $1.count } }

  private static let tables = [
    waiting, access, addresses, requests, protections, conditions, blobs,
  ]

  // MARK: Later

  private static let requestLimit = "is the storage account at its request limit?"

  private static let waiting: [String: ServiceErrorCode] = [
    "AccountBeingCreated": .init(.transient, "wait until the storage account has been created"),
    "ContainerBeingDeleted": .init(
      .transient, "the container is being deleted; once it is gone, create it anew"),
    "Crc64Mismatch": .init(
      .transient, "does a proxy between this pod and the store change what passes?"),
    "InternalError": .init(.transient),
    "LeaseIsBreakingAndCannotBeAcquired": .init(.transient),
    "Md5Mismatch": .init(
      .transient, "does a proxy between this pod and the store change what passes?"),
    "OperationTimedOut": .init(.transient),
    "ServerBusy": .init(.transient, requestLimit),
    "SnapshotOperationRateExceeded": .init(.transient),
    "SnaphotOperationRateExceeded": .init(.transient),  // the published list spells it so
    "SystemInUse": .init(.transient),
  ]

  // MARK: Rights

  private static let keys =
    "is storage-key one of the current keys of the account that storage-account names? "
    + "it may have been rotated"
  private static let rights = "does the storage account allow reading, writing and listing blobs?"
  private static let firewall =
    "does the storage account's firewall let this cluster's outgoing address in?"
  private static let encrypted = "the storage account takes https only: correct APP_ABS_ENDPOINT"

  private static let access: [String: ServiceErrorCode] = [
    "AccountIsDisabled": .init(
      .permanent, "is the subscription that the storage account belongs to active?"),
    "AccountRequiresHttps": .init(.permanent, encrypted),
    "AuthenticationFailed": .init(.permanent, keys),
    "AuthorizationFailure": .init(.permanent, firewall),
    "AuthorizationPermissionMismatch": .init(.permanent, rights),
    "AuthorizationProtocolMismatch": .init(.permanent, encrypted),
    "AuthorizationResourceTypeMismatch": .init(.permanent, rights),
    "AuthorizationServiceMismatch": .init(.permanent, rights),
    "AuthorizationSourceIPMismatch": .init(.permanent, firewall),
    "InsufficientAccountPermissions": .init(.permanent, rights),
    "InvalidAuthenticationInfo": .init(.permanent, keys),
    "KeyBasedAuthenticationNotPermitted": .init(
      .permanent,
      "the storage account refuses account keys: allow storage account key access for it"),
    "NoAuthenticationInformation": .init(
      .permanent, "does a proxy on the way to the store drop the Authorization header?"),
    "PublicAccessNotPermitted": .init(
      .permanent, "does a proxy on the way to the store drop the Authorization header?"),
    "TlsVersionNotPermitted": .init(
      .permanent,
      "the storage account demands a newer version of TLS: does a proxy that ends TLS stand in "
        + "front of it?"),
    "UnauthorizedBlobOverwrite": .init(.permanent, rights),
  ]

  // MARK: Where to

  private static let address = "is APP_ABS_ENDPOINT the blob endpoint of the storage account?"

  private static let addresses: [String: ServiceErrorCode] = [
    "ContainerDisabled": .init(
      .permanent,
      "an administrator has disabled the container: have it enabled, or name another "
        + "one in APP_ABS_CONTAINER_NAME"),
    "ContainerNotFound": .init(
      .permanent,
      "create the container or correct APP_ABS_CONTAINER_NAME; this program never creates one"),
    "InvalidResourceName": .init(.permanent, address),
    "InvalidUri": .init(.permanent, address),
    "RequestUrlFailedToParse": .init(.permanent, address),
    "ResourceNotFound": .init(.permanent, address),
    "ResourceTypeMismatch": .init(.permanent, address),
  ]

  // MARK: What was asked

  /// Where the store may be older than the requests.
  private static let version =
    "does the store know the version of the service that this program speaks? "
    + "set APP_ABS_API_VERSION to one that it knows"
  private static let blockSize = "choose a larger APP_BACKUP_BLOCK_SIZE"
  private static let unexpected =
    "does a proxy between this pod and the store change requests? if not, report this as a bug"

  private static let requests: [String: ServiceErrorCode] = [
    "BlobOperationNotSupported": .init(
      .permanent,
      "the store cannot do this with such a blob or account: use a general-purpose account, and a "
        + "prefix under which no other program creates blobs"),
    "BlockListTooLong": .init(.permanent, blockSize),
    "ConditionHeadersNotSupported": .init(.permanent, version),
    "EmptyMetadataKey": .init(.permanent, unexpected),
    "FeatureVersionMismatch": .init(.permanent, version),
    "InvalidBlockId": .init(.permanent, unexpected),
    "InvalidHeaderValue": .init(.permanent, version),
    "InvalidHttpVerb": .init(.permanent, unexpected),
    "InvalidInput": .init(.permanent, unexpected),
    "InvalidMd5": .init(.permanent, unexpected),
    "InvalidMetadata": .init(.permanent, unexpected),
    "InvalidQueryParameterValue": .init(.permanent, version),
    "InvalidVersionForPageBlobOperation": .init(.permanent, version),
    "InvalidXmlDocument": .init(.permanent, unexpected),
    "InvalidXmlNodeValue": .init(.permanent, unexpected),
    "MetadataTooLarge": .init(.permanent, unexpected),
    "MissingContentLengthHeader": .init(.permanent, unexpected),
    "MissingRequiredHeader": .init(.permanent, version),
    "MissingRequiredQueryParameter": .init(.permanent, version),
    "MissingRequiredXmlNode": .init(.permanent, unexpected),
    "MultipleConditionHeadersNotSupported": .init(.permanent, version),
    "OutOfRangeInput": .init(.permanent, unexpected),
    "OutOfRangeQueryParameterValue": .init(.permanent, version),
    "RequestBodyTooLarge": .init(.permanent, "choose a smaller APP_BACKUP_BLOCK_SIZE"),
    "UnsupportedHeader": .init(.permanent, version),
    "UnsupportedHttpVerb": .init(.permanent, version),
    "UnsupportedQueryParameter": .init(.permanent, version),
    "UnsupportedXmlNode": .init(.permanent, version),
  ]

  // MARK: Kept as it is

  private static let lease =
    "another program holds a lease on the blob: break it, or wait until it ends"
  private static let policy =
    "a retention policy or a legal hold of the container protects the blob"

  private static let protections: [String: ServiceErrorCode] = [
    "AccountProtectedFromDeletion": .init(.protected, policy),
    "BlobImmutableDueToLegalHold": .init(.protected, policy),
    "BlobImmutableDueToPolicy": .init(.protected, policy),
    "ContainerHasLegalHold": .init(.protected, policy),
    "ContainerImmutabilityPolicyLocked": .init(.protected, policy),
    "ImmutabilityPolicyDeleteOnLockedPolicy": .init(.protected, policy),
    "InfiniteLeaseDurationRequired": .init(.protected, lease),
    "LeaseAlreadyPresent": .init(.protected, lease),
    "LeaseIdMismatchWithBlobOperation": .init(.protected, lease),
    "LeaseIdMismatchWithContainerOperation": .init(.protected, lease),
    "LeaseIdMismatchWithLeaseOperation": .init(.protected, lease),
    "LeaseIdMissing": .init(.protected, lease),
    "LeaseIsBreakingAndCannotBeChanged": .init(.protected, lease),
  ]

  // MARK: Conditions

  private static let changed = "another program changed the blob meanwhile"

  private static let conditions: [String: ServiceErrorCode] = [
    "AppendPositionConditionNotMet": .init(.conditionNotMet, changed),
    "BlobAlreadyExists": .init(.conditionNotMet),
    "BlobOverwritten": .init(.conditionNotMet, changed),
    "ConditionNotMet": .init(.conditionNotMet, changed),
    "MaxBlobSizeConditionNotMet": .init(.conditionNotMet, changed),
    "ResourceAlreadyExists": .init(.conditionNotMet),
    "SequenceNumberConditionNotMet": .init(.conditionNotMet, changed),
    "SourceConditionNotMet": .init(.conditionNotMet, changed),
    "TargetConditionNotMet": .init(.conditionNotMet, changed),
  ]

  // MARK: One blob

  private static let archived = "move the blob out of the archive tier and wait until that is done"
  private static let copying = "a copy to the blob is under way: wait until it ends, or abort it"
  private static let otherWriter = "does another program write to the same blob?"

  private static let blobs: [String: ServiceErrorCode] = [
    "AccountAlreadyExists": .init(.blobState),
    "BlobArchived": .init(.blobState, archived),
    "BlobBeingRehydrated": .init(
      .blobState, "the blob is on its way out of the archive tier: wait until that is done"),
    "BlobNotArchived": .init(.blobState),
    "BlobNotFound": .init(.absent),
    "BlobTierInadequateForContentLength": .init(.blobState),
    "BlobUsesCustomerSpecifiedEncryption": .init(
      .blobState, "the blob was stored with a customer's key, which this program cannot supply"),
    "BlockCountExceedsLimit": .init(.blobState, otherWriter),
    "CannotChangeToLowerTier": .init(.blobState),
    "CannotVerifyCopySource": .init(.transient),
    "ContainerAlreadyExists": .init(.blobState),
    "ContentLengthLargerThanTierLimit": .init(.blobState),
    "CopyAcrossAccountsNotSupported": .init(.blobState),
    "CopyIdMismatch": .init(.blobState),
    "IncrementalCopyBlobMismatch": .init(.blobState),
    "IncrementalCopyOfEarlierVersionSnapshotNotAllowed": .init(.blobState),
    "IncrementalCopyOfEralierVersionSnapshotNotAllowed": .init(.blobState),  // as SDKs spell it
    "IncrementalCopySourceMustBeSnapshot": .init(.blobState),
    "InvalidBlobOrBlock": .init(.blobState, otherWriter),
    "InvalidBlobTier": .init(.blobState),
    "InvalidBlobType": .init(
      .blobState, "the blob is no block blob: another program has written it"),
    "InvalidBlockList": .init(
      .blobState, "does another program write to the same blob, or delete staged blocks?"),
    "InvalidOperation": .init(.blobState),
    "InvalidPageRange": .init(.blobState),
    "InvalidRange": .init(.blobState, changed),
    "InvalidSourceBlobType": .init(.blobState),
    "InvalidSourceBlobUrl": .init(.blobState),
    "LeaseAlreadyBroken": .init(.blobState),
    "LeaseIsBrokenAndCannotBeRenewed": .init(.blobState),
    "LeaseLost": .init(.blobState),
    "LeaseNotPresentWithBlobOperation": .init(.blobState),
    "LeaseNotPresentWithContainerOperation": .init(.blobState),
    "LeaseNotPresentWithLeaseOperation": .init(.blobState),
    "NoPendingCopyOperation": .init(.blobState),
    "OperationNotAllowedOnIncrementalCopyBlob": .init(.blobState, otherWriter),
    "OperationNotAllowedOnRootBlob": .init(.permanent, address),
    "PendingCopyOperation": .init(.blobState, copying),
    "PreviousSnapshotCannotBeNewer": .init(.blobState),
    "PreviousSnapshotNotFound": .init(.blobState),
    "PreviousSnapshotOperationNotSupported": .init(.blobState),
    "SequenceNumberIncrementTooLarge": .init(.blobState),
    "SnapshotCountExceeded": .init(.blobState),
    "SnapshotsPresent": .init(
      .blobState, "the blob has snapshots: delete them, or see whether a policy protects them"),
  ]
}
