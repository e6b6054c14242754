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

package enum ServiceErrorCode {
  /// `nil` for a code that Azure does not publish: then the status decides.
  package static func named(_ code: String) -> ErrorClass? { all[code] }

  package static let all: [String: ErrorClass] = rows.reduce(into: [:]) {
    $0[$1.code] = $1.errorClass
  }

  /// More than `all` has where a code stands in two classes.
  package static let rows: [(code: String, errorClass: ErrorClass)] = classes.flatMap { row in
    row.codes.split(whereSeparator: \.isWhitespace).map { (String($0), row.errorClass) }
  }

  /// The published lists, as of 2026, and a few codes that the service sends without listing them:
  ///
  /// - https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
  /// - https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
  ///
  /// Some belong to requests that this program never makes, such as copies; they are listed so that
  /// the table is complete. `Snaphot…` is how the published list spells it, `…Eralier…` how SDKs do.
  private static let classes: [(errorClass: ErrorClass, codes: String)] = [
    (
      .transient,
      """
      AccountBeingCreated ContainerBeingDeleted Crc64Mismatch InternalError
      LeaseIsBreakingAndCannotBeAcquired Md5Mismatch OperationTimedOut ServerBusy
      SnapshotOperationRateExceeded SnaphotOperationRateExceeded SystemInUse
      CannotVerifyCopySource
      """
    ),
    (
      .permanent,
      """
      AccountIsDisabled AccountRequiresHttps AuthenticationFailed AuthorizationFailure
      AuthorizationPermissionMismatch AuthorizationProtocolMismatch
      AuthorizationResourceTypeMismatch AuthorizationServiceMismatch
      AuthorizationSourceIPMismatch InsufficientAccountPermissions InvalidAuthenticationInfo
      KeyBasedAuthenticationNotPermitted NoAuthenticationInformation PublicAccessNotPermitted
      TlsVersionNotPermitted UnauthorizedBlobOverwrite ContainerDisabled ContainerNotFound
      InvalidResourceName InvalidUri RequestUrlFailedToParse ResourceNotFound
      ResourceTypeMismatch BlobOperationNotSupported BlockListTooLong
      ConditionHeadersNotSupported EmptyMetadataKey FeatureVersionMismatch InvalidBlockId
      InvalidHeaderValue InvalidHttpVerb InvalidInput InvalidMd5 InvalidMetadata
      InvalidQueryParameterValue InvalidVersionForPageBlobOperation InvalidXmlDocument
      InvalidXmlNodeValue MetadataTooLarge MissingContentLengthHeader MissingRequiredHeader
      MissingRequiredQueryParameter MissingRequiredXmlNode MultipleConditionHeadersNotSupported
      OutOfRangeInput OutOfRangeQueryParameterValue RequestBodyTooLarge UnsupportedHeader
      UnsupportedHttpVerb UnsupportedQueryParameter UnsupportedXmlNode
      OperationNotAllowedOnRootBlob
      """
    ),
    (
      .protected,
      """
      AccountProtectedFromDeletion BlobImmutableDueToLegalHold BlobImmutableDueToPolicy
      ContainerHasLegalHold ContainerImmutabilityPolicyLocked
      ImmutabilityPolicyDeleteOnLockedPolicy InfiniteLeaseDurationRequired LeaseAlreadyPresent
      LeaseIdMismatchWithBlobOperation LeaseIdMismatchWithContainerOperation
      LeaseIdMismatchWithLeaseOperation LeaseIdMissing LeaseIsBreakingAndCannotBeChanged
      """
    ),
    (
      .absent,
      """
      BlobNotFound
      """
    ),
    (
      .conditionNotMet,
      """
      AppendPositionConditionNotMet BlobAlreadyExists BlobOverwritten ConditionNotMet
      MaxBlobSizeConditionNotMet ResourceAlreadyExists SequenceNumberConditionNotMet
      SourceConditionNotMet TargetConditionNotMet
      """
    ),
    (
      .blobState,
      """
      AccountAlreadyExists BlobArchived BlobBeingRehydrated BlobNotArchived
      BlobTierInadequateForContentLength BlobUsesCustomerSpecifiedEncryption
      BlockCountExceedsLimit CannotChangeToLowerTier ContainerAlreadyExists
      ContentLengthLargerThanTierLimit CopyAcrossAccountsNotSupported CopyIdMismatch
      IncrementalCopyBlobMismatch IncrementalCopyOfEarlierVersionSnapshotNotAllowed
      IncrementalCopyOfEralierVersionSnapshotNotAllowed IncrementalCopySourceMustBeSnapshot
      InvalidBlobOrBlock InvalidBlobTier InvalidBlobType InvalidBlockList InvalidOperation
      InvalidPageRange InvalidRange InvalidSourceBlobType InvalidSourceBlobUrl
      LeaseAlreadyBroken LeaseIsBrokenAndCannotBeRenewed LeaseLost
      LeaseNotPresentWithBlobOperation LeaseNotPresentWithContainerOperation
      LeaseNotPresentWithLeaseOperation NoPendingCopyOperation
      OperationNotAllowedOnIncrementalCopyBlob PendingCopyOperation
      PreviousSnapshotCannotBeNewer PreviousSnapshotNotFound
      PreviousSnapshotOperationNotSupported SequenceNumberIncrementTooLarge
      SnapshotCountExceeded SnapshotsPresent
      """
    ),
  ]
}
