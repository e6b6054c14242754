/// An error that the Blob service answered with, read from whatever it sent.

internal import Console
package import HTTP

package struct ServiceError: Error, Equatable {
  package let operation: StorageOperation
  /// Without its query.
  package let url: String
  package let status: Int
  /// The service's name for the error, such as `ContainerNotFound`; `nil` where something else
  /// than the service seems to have answered.
  package let code: String?
  package let message: String?
  /// What Microsoft's support asks for.
  package let requestID: String?
  /// How many seconds our clock is ahead of the service's; `nil` where it told no time.
  package let secondsAhead: Int?
  package let retryAfter: Duration?

  /// Reads an answer that is not the one hoped for, as it came in at `now`, in seconds since 1970.
  package init(_ answer: Response, to operation: StorageOperation, at url: String, now: Int) {
    let body = ErrorBody(answer.body)
    self.operation = operation
    self.url = url
    status = answer.status
    code = answer.headers["x-ms-error-code"] ?? body.code
    message = body.presentableMessage
    requestID = answer.headers["x-ms-request-id"]
    secondsAhead = answer.secondsAhead(at: now)
    retryAfter = answer.retryAfter
  }

  /// Whether the same request may well succeed a little later.
  package var isTransient: Bool {
    switch code {
    case "Md5Mismatch", "Crc64Mismatch": true
    case "ContainerBeingDeleted", "AccountBeingCreated", "LeaseIsBreakingAndCannotBeAcquired": true
    default: [408, 429, 500, 502, 503, 504].contains(status)
    }
  }

  /// Azure takes requests up to 15 minutes old; a clock that far off is the whole explanation.
  private static let toleratedSkew = 14 * 60

  package var isClockSkew: Bool {
    guard status == 403, let secondsAhead else { return false }
    return abs(secondsAhead) >= Self.toleratedSkew
  }

  /// Whether the configuration or a permission is wrong, so that another try cannot help.
  package var isConfiguration: Bool {
    switch status {
    case 403: !isClockSkew
    case 401, 407: true
    case 404: code == "ContainerNotFound" || code == "ResourceNotFound"
    default:
      [
        "InvalidResourceName", "InvalidUri", "InvalidAuthenticationInfo", "AccountRequiresHttps",
      ].contains(code)
    }
  }
}

extension Response {
  /// How many seconds a clock that shows `now` is ahead of the server's, where that told the time.
  func secondsAhead(at now: Int) -> Int? {
    headers["date"].flatMap(HTTPDate.parse).map { now - $0 }
  }
}

extension ServiceError: CustomStringConvertible {
  package var description: String {
    var text = "\(operation.rawValue) of \(url) failed: \(status)"
    if let code { text += " \(code)" }
    if let message { text += ", \(message)" }
    if isClockSkew, let secondsAhead {
      let minutes = abs(secondsAhead) / 60
      text += "; our clock is \(minutes) minutes \(secondsAhead < 0 ? "behind" : "ahead of")"
      text += " the store's"
    }
    if let requestID { text += " (request id \(requestID))" }
    return text
  }

  /// What an operator can do about it; `nil` where only another attempt helps.
  package var hint: String? {
    if isClockSkew {
      return "correct this node's clock: Azure takes requests dated within 15 minutes of its own"
    }
    return switch code {
    case "AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation":
      "is storage-key one of the current keys of the account that storage-account names? "
        + "it may have been rotated"
    case "AuthorizationFailure", "AuthorizationSourceIPMismatch":
      "does the storage account's firewall let this cluster's outgoing address in?"
    case "KeyBasedAuthenticationNotPermitted":
      "the storage account refuses account keys: allow storage account key access for it"
    case "AccountIsDisabled":
      "is the subscription that the storage account belongs to active?"
    case "InsufficientAccountPermissions", "AuthorizationPermissionMismatch":
      "does the storage account allow reading, writing and listing blobs?"
    case "AuthorizationProtocolMismatch", "AccountRequiresHttps":
      "the storage account takes https only: correct APP_ABS_ENDPOINT"
    case "ContainerNotFound":
      "create the container or correct APP_ABS_CONTAINER_NAME; this program never creates one"
    case "ResourceNotFound", "InvalidUri", "InvalidResourceName":
      "is APP_ABS_ENDPOINT the blob endpoint of the storage account?"
    case "ContainerBeingDeleted":
      "the container is being deleted; once it is gone, create it anew"
    case "InvalidBlockList":
      "does another program write to the same blob, or delete staged blocks?"
    case "ConditionNotMet":
      "somebody changed the blob meanwhile"
    case "LeaseIdMissing":
      "somebody holds a lease on the blob: break it, or wait until it ends"
    case "BlobArchived":
      "move the blob out of the archive tier and wait until that is done"
    case "BlobImmutableDueToPolicy":
      "a retention policy or a legal hold of the container protects the blob"
    case nil where requestID == nil:
      "something else than the store seems to have answered: is APP_ABS_ENDPOINT right, "
        + "and is there a proxy on the way?"
    default:
      status == 429 || status == 503 ? "is the storage account at its request limit?" : nil
    }
  }
}

/// `<Error><Code/><Message/><AuthenticationErrorDetail/></Error>`, or anything else.
private struct ErrorBody {
  var code: String?
  private var message: String?
  private var authenticationDetail: String?

  init(_ bytes: [UInt8]) {
    var found: [String: String] = [:]
    do {
      try XMLReader.read(bytes) { element in
        if element.path.count == 2 && element.path[0] == "Error" {
          found[element.path[1]] = element.text
        }
      }
    } catch {
      return  // An answer to HEAD has no body, and a proxy's is not XML: the status has to do.
    }
    code = found["Code"].flatMap(Self.firstLine)
    message = found["Message"].flatMap(Self.firstLine)
    authenticationDetail = found["AuthenticationErrorDetail"].flatMap(Self.firstLine)
  }

  /// Of what is said about a failed authentication, only a remark on the date: the rest quotes
  /// the signature and the string to sign, and the hint says it better.
  var presentableMessage: String? {
    if code == "AuthenticationFailed" || authenticationDetail != nil {
      return authenticationDetail.flatMap { $0.hasPrefix("Request date header") ? $0 : nil }
    }
    return message
  }

  /// What follows in a message are the request's id and time, which stand elsewhere.
  private static func firstLine(_ text: String) -> String? {
    // Before anything is cut: half a secret would not be recognised.
    let line = Secrets.redact(text).prefix { !$0.isNewline }.trimmingBlanks()
    return line.isEmpty ? nil : String(line.prefix(500))
  }
}
