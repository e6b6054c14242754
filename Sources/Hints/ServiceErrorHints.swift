// What to do about each error code of the Blob service.

enum ServiceErrorHints {
  /// `nil` where only another attempt helps, or a hint is not known.
  static func hint(on code: String) -> String? { all[code] }

  private static let all: [String: String] = rows.reduce(into: [:]) { all, row in
    for code in row.codes.split(whereSeparator: \.isWhitespace) { all[String(code)] = row.hint }
  }

  private static let rows: [(hint: String, codes: String)] = [
    (
      "Wait until the storage account has been created.",
      """
      AccountBeingCreated
      """
    ),
    (
      "Create the container again once its deletion has ended.",
      """
      ContainerBeingDeleted
      """
    ),
    (
      "Does a proxy between this pod and the store change requests?",
      """
      Crc64Mismatch Md5Mismatch
      """
    ),
    (
      "Is the storage account at its request limit?",
      """
      ServerBusy
      """
    ),
    (
      "Is the subscription that the storage account belongs to active?",
      """
      AccountIsDisabled
      """
    ),
    (
      "Write https:// in APP_ABS_ENDPOINT: the storage account takes nothing else.",
      """
      AccountRequiresHttps AuthorizationProtocolMismatch
      """
    ),
    (
      "Is storage-key one of the current keys of the account that storage-account names? It "
        + "may have been rotated.",
      """
      AuthenticationFailed InvalidAuthenticationInfo
      """
    ),
    (
      "Let this cluster's outgoing address through the storage account's firewall.",
      """
      AuthorizationFailure AuthorizationSourceIPMismatch
      """
    ),
    (
      "Does the storage account allow reading, writing and listing blobs?",
      """
      AuthorizationPermissionMismatch AuthorizationResourceTypeMismatch
      AuthorizationServiceMismatch InsufficientAccountPermissions UnauthorizedBlobOverwrite
      """
    ),
    (
      "Set APP_ABS_AUTHENTICATION to a kind that needs no account key, such as "
        + "workload-identity, or allow storage account key access.",
      """
      KeyBasedAuthenticationNotPermitted
      """
    ),
    (
      "Does a proxy on the way to the store drop the Authorization header?",
      """
      NoAuthenticationInformation PublicAccessNotPermitted
      """
    ),
    (
      "Does a proxy that ends TLS stand in front of the store? The storage account demands "
        + "a newer version of TLS.",
      """
      TlsVersionNotPermitted
      """
    ),
    (
      "Have an administrator enable the container again, or name another one in "
        + "APP_ABS_CONTAINER_NAME.",
      """
      ContainerDisabled
      """
    ),
    (
      "Create the container, or correct APP_ABS_CONTAINER_NAME; this program never creates "
        + "one.",
      """
      ContainerNotFound
      """
    ),
    (
      "Is APP_ABS_ENDPOINT the blob endpoint of the storage account?",
      """
      InvalidResourceName InvalidUri RequestUrlFailedToParse ResourceNotFound
      ResourceTypeMismatch OperationNotAllowedOnRootBlob
      """
    ),
    (
      "Use a general-purpose account, and a prefix under which no other program creates "
        + "blobs.",
      """
      BlobOperationNotSupported
      """
    ),
    (
      "Choose a larger APP_BACKUP_BLOCK_SIZE.",
      """
      BlockListTooLong
      """
    ),
    (
      "Choose a smaller APP_BACKUP_BLOCK_SIZE.",
      """
      RequestBodyTooLarge
      """
    ),
    (
      "Set APP_ABS_API_VERSION to a version of the service that the store knows.",
      """
      ConditionHeadersNotSupported FeatureVersionMismatch InvalidHeaderValue
      InvalidQueryParameterValue InvalidVersionForPageBlobOperation MissingRequiredHeader
      MissingRequiredQueryParameter MultipleConditionHeadersNotSupported
      OutOfRangeQueryParameterValue UnsupportedHeader UnsupportedHttpVerb
      UnsupportedQueryParameter UnsupportedXmlNode
      """
    ),
    (
      "Does a proxy between this pod and the store change requests? If not, report this as "
        + "a bug.",
      """
      EmptyMetadataKey InvalidBlockId InvalidHttpVerb InvalidInput InvalidMd5 InvalidMetadata
      InvalidXmlDocument InvalidXmlNodeValue MetadataTooLarge MissingContentLengthHeader
      MissingRequiredXmlNode OutOfRangeInput
      """
    ),
    (
      "Keep the blob until the retention policy or legal hold of its container ends.",
      """
      AccountProtectedFromDeletion BlobImmutableDueToLegalHold BlobImmutableDueToPolicy
      ContainerHasLegalHold ContainerImmutabilityPolicyLocked
      ImmutabilityPolicyDeleteOnLockedPolicy
      """
    ),
    (
      "Break the lease that another program holds on the blob, or wait until it ends.",
      """
      InfiniteLeaseDurationRequired LeaseAlreadyPresent LeaseIdMismatchWithBlobOperation
      LeaseIdMismatchWithContainerOperation LeaseIdMismatchWithLeaseOperation LeaseIdMissing
      LeaseIsBreakingAndCannotBeChanged
      """
    ),
    (
      "Does another program change the blob?",
      """
      AppendPositionConditionNotMet BlobOverwritten ConditionNotMet MaxBlobSizeConditionNotMet
      SequenceNumberConditionNotMet SourceConditionNotMet TargetConditionNotMet InvalidRange
      """
    ),
    (
      "Move the blob out of the archive tier and wait until that is done.",
      """
      BlobArchived
      """
    ),
    (
      "Wait until the blob has left the archive tier.",
      """
      BlobBeingRehydrated
      """
    ),
    (
      "Fetch the blob with the customer's key that it was stored with: this program cannot "
        + "supply it.",
      """
      BlobUsesCustomerSpecifiedEncryption
      """
    ),
    (
      "Does another program write to the same blob?",
      """
      BlockCountExceedsLimit InvalidBlobOrBlock OperationNotAllowedOnIncrementalCopyBlob
      """
    ),
    (
      "Choose another name: another program has written the blob, and it is no block blob.",
      """
      InvalidBlobType
      """
    ),
    (
      "Does another program write to the same blob, or delete staged blocks?",
      """
      InvalidBlockList
      """
    ),
    (
      "Wait until the copy to the blob ends, or abort it.",
      """
      PendingCopyOperation
      """
    ),
    (
      "Delete the blob's snapshots, or see whether a policy protects them.",
      """
      SnapshotsPresent
      """
    ),
  ]
}
