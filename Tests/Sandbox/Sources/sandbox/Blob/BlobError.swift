// The errors of the blob service: status, code and message as the service documents them.

/// A refused request. `details` become further elements of the XML body.
struct BlobError: Error, Sendable {
  let status: Int
  let code: String
  let message: String
  var details: [(name: String, value: String)] = []

  init(_ status: Int, _ code: String, _ message: String, _ details: [(String, String)] = []) {
    self.status = status
    self.code = code
    self.message = message
    self.details = details.map { (name: $0, value: $1) }
  }
}

// Requests that are wrong in themselves.
extension BlobError {
  static func invalidHeader(_ name: String, _ value: String) -> BlobError {
    BlobError(
      400, "InvalidHeaderValue",
      "The value for one of the HTTP headers is not in the correct format.",
      [("HeaderName", name), ("HeaderValue", value)])
  }

  static func missingHeader(_ name: String) -> BlobError {
    BlobError(
      400, "MissingRequiredHeader",
      "An HTTP header that's mandatory for this request is not specified.", [("HeaderName", name)])
  }

  static func unsupportedHeader(_ name: String) -> BlobError {
    BlobError(
      400, "UnsupportedHeader",
      "One of the HTTP headers specified in the request is not supported.", [("HeaderName", name)])
  }

  static func invalidQuery(_ name: String, _ value: String, _ reason: String) -> BlobError {
    BlobError(
      400, "InvalidQueryParameterValue",
      "Value for one of the query parameters specified in the request URI is invalid.",
      [("QueryParameterName", name), ("QueryParameterValue", value), ("Reason", reason)])
  }

  static func outOfRangeQuery(_ name: String, _ value: String, _ range: ClosedRange<Int>)
    -> BlobError
  {
    BlobError(
      400, "OutOfRangeQueryParameterValue",
      "One of the query parameters specified in the request URI is outside the permissible range.",
      [
        ("QueryParameterName", name), ("QueryParameterValue", value),
        ("MinimumAllowed", String(range.lowerBound)), ("MaximumAllowed", String(range.upperBound)),
      ])
  }

  static func missingQuery(_ name: String) -> BlobError {
    BlobError(
      400, "MissingRequiredQueryParameter",
      "A query parameter that's mandatory for this request is not specified.",
      [("QueryParameterName", name)])
  }

  static func unsupportedQuery(_ name: String) -> BlobError {
    BlobError(
      400, "UnsupportedQueryParameter",
      "One of the query parameters specified in the request URI is not supported.",
      [("QueryParameterName", name)])
  }

  static let unsupportedVerb = BlobError(
    405, "UnsupportedHttpVerb", "The resource doesn't support the specified Http Verb.")
  static let invalidURI = BlobError(
    400, "InvalidUri", "The requested URI does not represent any resource on the server.")
  static let invalidName = BlobError(
    400, "InvalidResourceName",
    "The specified resource name contains invalid characters or has an invalid length.")
  static let missingLength = BlobError(
    411, "MissingContentLengthHeader", "The Content-Length header was not specified.")
  static let conditionsNotSupported = BlobError(
    400, "ConditionHeadersNotSupported", "Condition headers are not supported.")
  static let multipleConditions = BlobError(
    400, "MultipleConditionHeadersNotSupported",
    "Multiple condition headers are not supported.")
  static let invalidMetadata = BlobError(
    400, "InvalidMetadata",
    "The metadata specified is invalid. It has characters that are not permitted.")
  static let emptyMetadataName = BlobError(
    400, "EmptyMetadataKey", "The key for one of the metadata key-value pairs is empty.")
  static let metadataTooLarge = BlobError(
    400, "MetadataTooLarge", "The metadata specified exceeds the maximum permissible limit (8KB).")
  static let invalidXML = BlobError(
    400, "InvalidXmlDocument", "XML specified is not syntactically valid.")

  static func tooLarge(_ limit: Int) -> BlobError {
    BlobError(
      413, "RequestBodyTooLarge",
      "The request body is too large and exceeds the maximum permissible limit.",
      [("MaxLimit", String(limit))])
  }
}

// Bodies, blocks and ranges.
extension BlobError {
  static let bothChecksums = BlobError(
    400, "BothCrc64AndMd5HeaderPresent",
    "Both x-ms-content-crc64 header and Content-MD5 header are present.")

  static func md5Mismatch(sent: String, computed: String) -> BlobError {
    BlobError(
      400, "Md5Mismatch",
      "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
      [("UserSpecifiedMd5", sent), ("ServerCalculatedMd5", computed)])
  }

  static func crc64Mismatch(sent: String, computed: String) -> BlobError {
    BlobError(
      400, "Crc64Mismatch",
      "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
      [("UserSpecifiedCrc", sent), ("ServerCalculatedCrc", computed)])
  }

  static let invalidBlockID = BlobError(
    400, "InvalidBlockId",
    "The specified block ID is invalid. The block ID must be Base64-encoded.")
  static let invalidBlobOrBlock = BlobError(
    400, "InvalidBlobOrBlock", "The specified blob or block content is invalid.")
  static let invalidBlockList = BlobError(
    400, "InvalidBlockList", "The specified block list is invalid.")
  static let blockListTooLong = BlobError(
    400, "BlockListTooLong", "The block list may not contain more than 50,000 blocks.")
  static let blockCountExceedsLimit = BlobError(
    409, "BlockCountExceedsLimit",
    "The uncommitted block count cannot exceed the maximum limit of 100,000 blocks.")
  static let invalidRange = BlobError(
    416, "InvalidRange",
    "The range specified is invalid for the current size of the resource.")
  static let outOfRangeInput = BlobError(
    400, "OutOfRangeInput", "One of the request inputs is out of range.")
}

// What exists, does not exist, or may not be changed.
extension BlobError {
  static let containerNotFound = BlobError(
    404, "ContainerNotFound", "The specified container does not exist.")
  static let containerExists = BlobError(
    409, "ContainerAlreadyExists", "The specified container already exists.")
  static let blobNotFound = BlobError(404, "BlobNotFound", "The specified blob does not exist.")
  static let blobExists = BlobError(
    409, "BlobAlreadyExists", "The specified blob already exists.")
  static let conditionNotMet = BlobError(
    412, "ConditionNotMet",
    "The condition specified using HTTP conditional header(s) is not met.")
  static let notModified = BlobError(
    304, "ConditionNotMet",
    "The condition specified using HTTP conditional header(s) is not met.")
  static let immutable = BlobError(
    409, "BlobImmutableDueToPolicy",
    "This operation is not permitted as the blob is immutable due to a policy.")
  static let archived = BlobError(
    409, "BlobArchived", "This operation is not permitted on an archived blob.")
  static let leaseNotPresent = BlobError(
    412, "LeaseNotPresentWithBlobOperation", "There is currently no lease on the blob.")
  static let resourceNotFound = BlobError(
    404, "ResourceNotFound", "The specified resource does not exist.")

  /// The sandbox itself failed, or was told not to keep any bytes.
  static func internalError(_ reason: String) -> BlobError {
    BlobError(
      500, "InternalError",
      "The server encountered an internal error. Please retry the request.",
      [("SandboxReason", reason)])
  }
}

// Who asks.
extension BlobError {
  static let permissionMismatch = BlobError(
    403, "AuthorizationPermissionMismatch",
    "This request is not authorized to perform this operation using this permission.")
  static let resourceTypeMismatch = BlobError(
    403, "AuthorizationResourceTypeMismatch",
    "This request is not authorized to perform this operation using this resource type.")
  static let serviceMismatch = BlobError(
    403, "AuthorizationServiceMismatch",
    "This request is not authorized to perform this operation using this service.")
  static let addressMismatch = BlobError(
    403, "AuthorizationSourceIPMismatch",
    "This request is not authorized to perform this operation using this source IP {0}.")
  static let protocolMismatch = BlobError(
    403, "AuthorizationProtocolMismatch",
    "This request is not authorized to perform this operation using this protocol.")

  static let noAuthentication = BlobError(
    401, "NoAuthenticationInformation",
    "Server failed to authenticate the request. Please refer to the information in the www-authenticate header."
  )

  static func authenticationFailed(_ detail: String) -> BlobError {
    BlobError(
      403, "AuthenticationFailed",
      "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
      [("AuthenticationErrorDetail", detail)])
  }

  static func invalidAuthentication(_ detail: String) -> BlobError {
    BlobError(
      400, "InvalidAuthenticationInfo",
      "Authentication information is not given in the correct format. Check the value of Authorization header.",
      [("AuthenticationErrorDetail", detail)])
  }
}
