// What is made of the service's refusals: whether to try again, what to say, what to do.

import Azure
import Hints
import HTTP
import Testing

@Suite struct `A refusal` {
  private static let now = 1_740_794_584
  private static let date = HTTPDate.format(now)

  private func refusal(
    _ status: Int, _ code: String? = nil, message: String = "Something is wrong.",
    detail: String = "", date: String = date, requestID: String? = "r-1"
  ) -> ServiceError {
    var headers: Headers = ["Date": date]
    headers["x-ms-request-id"] = requestID
    headers["x-ms-error-code"] = code
    let body =
      "\u{FEFF}<Error><Code>\(code ?? "")</Code><Message>\(message)\nRequestId:r-1\nTime:x</Message>"
      + (detail.isEmpty ? "" : "<AuthenticationErrorDetail>\(detail)</AuthenticationErrorDetail>")
      + "</Error>"
    return ServiceError(
      Response(status: status, headers: headers, body: Array(body.utf8)),
      to: .putBlock, at: "https://acct.blob.core.windows.net/c/b", now: Self.now)
  }

  @Test(
    arguments: [
      (408, nil), (429, nil), (500, "InternalError"), (500, "OperationTimedOut"), (502, nil),
      (503, "ServerBusy"), (504, nil), (400, "Md5Mismatch"), (400, "Crc64Mismatch"),
      (409, "ContainerBeingDeleted"), (409, "AccountBeingCreated"),
      (409, "LeaseIsBreakingAndCannotBeAcquired"),
    ] as [(Int, String?)])
  func `is transient where retrying may help`(status: Int, code: String?) {
    #expect(refusal(status, code).isTransient)
    #expect(!refusal(status, code).isConfiguration)
  }

  @Test(
    arguments: [
      (400, "InvalidUri"), (400, "InvalidHeaderValue"), (400, "InvalidQueryParameterValue"),
      (400, "InvalidMetadata"), (400, "MetadataTooLarge"), (400, "InvalidBlockId"),
      (400, "InvalidBlobOrBlock"), (400, "InvalidBlockList"), (400, "BlockListTooLong"),
      (401, "NoAuthenticationInformation"), (403, "AuthenticationFailed"),
      (403, "AccountIsDisabled"), (403, "AuthorizationFailure"), (404, "ContainerNotFound"),
      (404, "BlobNotFound"), (409, "BlobAlreadyExists"), (409, "BlobImmutableDueToPolicy"),
      (409, "BlobArchived"), (409, "BlockCountExceedsLimit"), (412, "ConditionNotMet"),
      (412, "LeaseIdMissing"), (413, "RequestBodyTooLarge"), (416, "InvalidRange"), (501, nil),
      (505, nil), (301, nil), (200, nil),
    ] as [(Int, String?)])
  func `is final where it is not`(status: Int, code: String?) {
    #expect(!refusal(status, code).isTransient)
  }

  /// Azure's two published lists, in their order: blob service, then common REST API.
  private static let published = """
    AppendPositionConditionNotMet BlobAlreadyExists BlobImmutableDueToLegalHold
    BlobImmutableDueToPolicy BlobNotFound BlobOperationNotSupported BlobOverwritten
    BlobTierInadequateForContentLength BlockCountExceedsLimit BlockListTooLong
    CannotChangeToLowerTier CannotVerifyCopySource ContainerAlreadyExists ContainerBeingDeleted
    ContainerDisabled ContainerHasLegalHold ContainerImmutabilityPolicyLocked ContainerNotFound
    ContentLengthLargerThanTierLimit CopyAcrossAccountsNotSupported CopyIdMismatch
    FeatureVersionMismatch IncrementalCopyBlobMismatch
    IncrementalCopyOfEarlierVersionSnapshotNotAllowed IncrementalCopySourceMustBeSnapshot
    InfiniteLeaseDurationRequired InvalidBlobOrBlock InvalidBlobTier InvalidBlobType InvalidBlockId
    InvalidBlockList InvalidOperation InvalidPageRange InvalidSourceBlobType InvalidSourceBlobUrl
    InvalidVersionForPageBlobOperation LeaseAlreadyPresent LeaseAlreadyBroken
    LeaseIdMismatchWithBlobOperation LeaseIdMismatchWithContainerOperation
    LeaseIdMismatchWithLeaseOperation LeaseIdMissing LeaseIsBreakingAndCannotBeAcquired
    LeaseIsBreakingAndCannotBeChanged LeaseIsBrokenAndCannotBeRenewed LeaseLost
    LeaseNotPresentWithBlobOperation LeaseNotPresentWithContainerOperation
    LeaseNotPresentWithLeaseOperation MaxBlobSizeConditionNotMet NoPendingCopyOperation
    OperationNotAllowedOnIncrementalCopyBlob PendingCopyOperation PreviousSnapshotCannotBeNewer
    PreviousSnapshotNotFound PreviousSnapshotOperationNotSupported SequenceNumberConditionNotMet
    SequenceNumberIncrementTooLarge SnapshotCountExceeded SnaphotOperationRateExceeded
    SnapshotsPresent SourceConditionNotMet SystemInUse TargetConditionNotMet
    UnauthorizedBlobOverwrite UnsupportedHeader BlobBeingRehydrated BlobArchived BlobNotArchived
    NoAuthenticationInformation InvalidAuthenticationInfo AccountAlreadyExists AccountBeingCreated
    AccountIsDisabled AccountProtectedFromDeletion AuthenticationFailed
    ConditionHeadersNotSupported ConditionNotMet EmptyMetadataKey InsufficientAccountPermissions
    InternalError InvalidHeaderValue InvalidHttpVerb InvalidInput InvalidMd5 InvalidMetadata
    InvalidQueryParameterValue InvalidRange InvalidResourceName InvalidUri InvalidXmlDocument
    InvalidXmlNodeValue Md5Mismatch MetadataTooLarge MissingContentLengthHeader
    MissingRequiredQueryParameter MissingRequiredHeader MissingRequiredXmlNode
    MultipleConditionHeadersNotSupported OperationTimedOut OutOfRangeInput
    OutOfRangeQueryParameterValue RequestBodyTooLarge ResourceTypeMismatch RequestUrlFailedToParse
    ResourceAlreadyExists ResourceNotFound ServerBusy UnsupportedHeader UnsupportedXmlNode
    UnsupportedQueryParameter UnsupportedHttpVerb
    """.split(whereSeparator: \.isWhitespace).map(String.init)

  @Test(arguments: published)
  func `D14: has a class for every code that Azure publishes`(code: String) throws {
    let errorClass = try #require(ServiceErrorCode.named(code))
    #expect(refusal(400, code).errorClass == errorClass)
    if errorClass == .permanent { #expect(refusal(400, code).hint != nil) }
  }

  @Test func `D14: has one row for each code`() {
    #expect(ServiceErrorCode.all.count == ServiceErrorCode.rows.count)
  }

  @Test(
    arguments: [
      (409, "BlobImmutableDueToLegalHold"), (409, "BlobImmutableDueToPolicy"),
      (412, "LeaseIdMissing"), (409, "ContainerHasLegalHold"),
      (409, "ContainerImmutabilityPolicyLocked"),
    ])
  func `D14: of what somebody wants to stay is protection`(status: Int, code: String) {
    #expect(refusal(status, code).errorClass == .protected)
    #expect(!refusal(status, code).isConfiguration)
  }

  @Test(
    arguments: [
      (400, "InvalidHeaderValue"), (400, "UnsupportedHeader"), (400, "TlsVersionNotPermitted"),
      (409, "ContainerDisabled"), (409, "BlobOperationNotSupported"),
      (413, "RequestBodyTooLarge"), (413, nil), (405, "UnsupportedHttpVerb"), (501, nil),
    ] as [(Int, String?)])
  func `U13: that no other try can change is the configuration's fault`(
    status: Int, code: String?
  ) {
    #expect(refusal(status, code).isConfiguration)
    #expect(!refusal(status, code).isTransient)
  }

  private func refusal(_ elements: String) -> ServiceError {
    ServiceError(
      Response(
        status: 400, headers: ["x-ms-request-id": "r-1"],
        body: Array("<Error>\(elements)</Error>".utf8)),
      to: .getContainerProperties, at: "https://h/c", now: Self.now)
  }

  @Test func `U13: says which header field the store does not take`() {
    let error = refusal(
      "<Code>InvalidHeaderValue</Code><Message>Not in the correct format.\nRequestId:r-1</Message>"
        + "<HeaderName>x-ms-version</HeaderName><HeaderValue>2021-12-02</HeaderValue>")
    #expect(
      error.description == "Get Container Properties of https://h/c failed: 400 "
        + "InvalidHeaderValue, Not in the correct format., HeaderName: x-ms-version, HeaderValue: 2021-12-02 "
        + "(request id r-1)")
    #expect(error.hint?.contains("Set APP_ABS_API_VERSION") == true)
    #expect(error.isConfiguration)
  }

  @Test(arguments: [
    ("<QueryParameterName>maxresults</QueryParameterName>", "QueryParameterName: maxresults"),
    ("<Reason>too long</Reason>", "Reason: too long"),
    (
      "<AuthenticationErrorDetail>Audience validation failed.</AuthenticationErrorDetail>",
      "AuthenticationErrorDetail: Audience validation failed."
    ),
  ])
  func `U13: shows the details that the service gives`(element: String, words: String) {
    #expect(refusal("<Code>InvalidInput</Code>\(element)").description.contains(words))
  }

  @Test func `U13: shows neither a signature, nor what it does not know, nor very much`() {
    let error = refusal(
      "<Code>InvalidHeaderValue</Code><HeaderName>Authorization</HeaderName>"
        + "<HeaderValue>SharedKey a:c2ln</HeaderValue><Secret>c2ln</Secret>"
        + "<AuthenticationErrorDetail>The value 'c2ln is wrong</AuthenticationErrorDetail>"
        + String(repeating: "<Reason>\(String(repeating: "x", count: 1000))</Reason>", count: 1000))
    #expect(!error.description.contains("c2ln"))
    #expect(error.description.utf8.count < 6000)
  }

  @Test(
    arguments: [
      (401, "NoAuthenticationInformation"), (403, "AuthenticationFailed"),
      (403, "AuthorizationFailure"), (403, "KeyBasedAuthenticationNotPermitted"),
      (403, "AccountIsDisabled"), (404, "ContainerNotFound"), (404, "ResourceNotFound"),
      (400, "InvalidResourceName"), (407, nil),
    ] as [(Int, String?)])
  func `U2: over rights or names is the configuration's fault`(status: Int, code: String?) {
    #expect(refusal(status, code).isConfiguration)
  }

  @Test func `says what failed, on what, why, and under which id`() {
    #expect(
      refusal(404, "ContainerNotFound", message: "The specified container does not exist.")
        .description
        == "Put Block of https://acct.blob.core.windows.net/c/b failed: 404 ContainerNotFound, "
        + "The specified container does not exist. (request id r-1)")
  }

  @Test(arguments: [
    ("AuthenticationFailed", "rotated"), ("AuthorizationFailure", "firewall"),
    ("KeyBasedAuthenticationNotPermitted", "account key"), ("AccountIsDisabled", "subscription"),
    ("ContainerNotFound", "Create the container"),
    ("AccountRequiresHttps", "https"), ("BlobArchived", "archive tier"),
    ("LeaseIdMissing", "lease"),
  ])
  func `U2: tells what to do`(code: String, remedy: String) {
    #expect(refusal(403, code).hint?.contains(remedy) == true)
  }

  @Test func `U2: repeats neither a signature nor what was signed`() {
    let error = refusal(
      403, "AuthenticationFailed",
      detail: "The MAC signature found in the HTTP request 'c2VjcmV0' is not the same as any "
        + "computed signature. Server used following string to sign: 'PUT\n\nx-ms-date:…'.")
    #expect(
      error.description
        == "Put Block of https://acct.blob.core.windows.net/c/b failed: 403 AuthenticationFailed "
        + "(request id r-1)")
  }

  @Test(arguments: [
    (-20 * 60, "our clock is 20 minutes behind the store's"),
    (3 * 3600 + 59, "our clock is 180 minutes ahead of the store's"),
  ])
  func `U10: names the clock where that is the cause`(ahead: Int, words: String) {
    let error = refusal(
      403, "AuthenticationFailed", detail: "Request date header too old: 'then'",
      date: HTTPDate.format(Self.now - ahead))
    #expect(error.isClockSkew)
    #expect(error.secondsAhead == ahead)
    #expect(error.description.contains("Request date header too old"))
    #expect(error.description.contains(words))
    #expect(error.hint?.contains("Correct this node's clock") == true)
    #expect(!error.isConfiguration, "another node's clock may be right")
  }

  @Test func `U10: does not blame a clock that is only a little off`() {
    let error = refusal(403, "AuthenticationFailed", date: HTTPDate.format(Self.now - 60))
    #expect(!error.isClockSkew)
    #expect(!error.description.contains("clock"))
  }

  @Test(arguments: ["<html><body>Bad Gateway<br></body></html>", "", "{\"error\":1}"])
  func `need not come from the service`(body: String) {
    let error = ServiceError(
      Response(status: 502, headers: [:], body: Array(body.utf8)), to: .listBlobs,
      at: "https://host/c", now: Self.now)
    #expect(error.isTransient)
    #expect(error.code == nil)
    #expect(error.description == "List Blobs of https://host/c failed: 502")
    #expect(error.hint?.contains("proxy") == true)
  }

  @Test func `of a HEAD is known by its header field alone`() {
    let answer = Response(
      status: 404, headers: ["x-ms-error-code": "ContainerNotFound"], body: [])
    let error = ServiceError(answer, to: .getBlobProperties, at: "https://h/c/b", now: Self.now)
    #expect(error.code == "ContainerNotFound")
  }
}

@Suite struct `A transfer error` {
  private func unanswered(_ kind: TransferError.Kind) -> AzureError {
    .unanswered(
      .putBlock, TransferError(kind, request: "PUT https://h/c/b", detail: "x"), attempts: 7)
  }

  @Test(
    arguments: [.unknownHost, .noConnection, .handshakeFailed, .timedOut, .stalled, .cutShort]
      as [TransferError.Kind])
  func `is transient where the network may recover`(kind: TransferError.Kind) {
    #expect(unanswered(kind).isTransient)
    #expect(!unanswered(kind).isConfiguration)
  }

  @Test func `says after how many attempts`() {
    #expect(
      unanswered(.stalled).description
        == "Put Block failed after 7 attempts: PUT https://h/c/b: the transfer stalled (x)")
  }

  @Test func `doubts the account's name where the host is unknown`() {
    #expect(unanswered(.unknownHost).hint?.contains("storage-account") == true)
  }

  @Test func `is the configuration's fault where the store is not trusted`() {
    #expect(unanswered(.untrustedServer).isConfiguration)
    #expect(unanswered(.untrustedServer).hint?.contains("APP_ABS_CA_FILE") == true)
  }

  @Test func `tells why the run was stopped`() {
    #expect(unanswered(.stopped(.terminated)).stopReason == .terminated)
    #expect(unanswered(.stalled).stopReason == nil)
  }
}
