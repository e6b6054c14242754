// An error that the Blob service answered with, read from whatever it sent.

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
  /// What the service says besides its message: the header field or the parameter that it means,
  /// its value, the reason. Nothing in it is a signature or what was signed.
  package let details: [Detail]
  /// What Microsoft's support asks for.
  package let requestID: String?
  /// How many seconds our clock is ahead of the service's; `nil` where it told no time.
  package let secondsAhead: Int?
  package let retryAfter: Duration?
  /// What the refused credential allows.
  package let grant: AccessGrant
  /// Whether there is another credential now, with which the request can be sent again.
  var isCredentialReplaced = false
  /// The tenant in which the store expects the identity; `nil` where it did not tell.
  package let expectedTenant: String?
  /// When the response came, in seconds since 1970 by our clock.
  package let time: Int

  /// Reads an answer that is not the one hoped for, as it came in at `now`, in seconds since 1970.
  package init(
    _ response: Response, to operation: StorageOperation, at url: String, now: Int,
    grant: AccessGrant = .accountKey
  ) {
    let body = ErrorBody(response.body)
    self.operation = operation
    self.url = url
    status = response.status
    code = response.headers["x-ms-error-code"] ?? body.code
    message = body.presentableMessage
    details = body.details
    requestID = response.headers["x-ms-request-id"]
    secondsAhead = response.secondsAhead(at: now)
    retryAfter = response.retryAfter
    self.grant = grant
    expectedTenant = response.challengedTenant
    time = now
  }

  /// One element of the service's XML, such as `HeaderName`.
  package struct Detail: Equatable, Sendable {
    package let name: String
    package let text: String
  }

  /// The code decides, where Azure publishes it; else the status does.
  package var errorClass: ErrorClass {
    if let code, let known = ServiceErrorCode.named(code) { return known }
    return switch status {
    case 408, 429, 500, 502, 503, 504: .transient
    // Of these not even a proxy's is another with the next request.
    case 401, 403, 405, 407, 413, 501: .permanent
    case 412: .conditionNotMet
    default: .blobState
    }
  }

  /// Whether the same request may well succeed a little later.
  package var isTransient: Bool { errorClass == .transient || isCredentialReplaced }

  /// Azure takes requests up to 15 minutes old; a clock that far off is the whole explanation.
  private static let toleratedSkew = 14 * 60

  package var isClockSkew: Bool {
    guard status == 403, let secondsAhead else { return false }
    return abs(secondsAhead) >= Self.toleratedSkew
  }

  /// Whether the configuration or a permission is wrong, so that retrying cannot help.
  package var isConfiguration: Bool { errorClass == .permanent && !isClockSkew }

  package func detail(_ name: String) -> String? { details.first { $0.name == name }?.text }
}

extension Response {
  /// From `WWW-Authenticate: Bearer authorization_uri=https://…/TENANT/oauth2/authorize …`.
  fileprivate var challengedTenant: String? {
    guard let challenge = headers["www-authenticate"],
      let start = challenge.firstRange(of: "authorization_uri=")?.upperBound
    else { return nil }
    let url = challenge[start...].drop { $0 == "\"" }.prefix { !" ,\"".contains($0) }
    let parts = url.split(separator: "/")
    return parts.count > 2 && parts[0] == "https:" ? String(parts[2]) : nil
  }

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
    for detail in details { text += ", \(detail.name): \(detail.text)" }
    if isClockSkew, let secondsAhead {
      let minutes = abs(secondsAhead) / 60
      text += "; our clock is \(minutes) minutes \(secondsAhead < 0 ? "behind" : "ahead of")"
      text += " the store's"
    }
    if let requestID { text += " (request id \(requestID))" }
    return text
  }
}

/// `<Error><Code/><Message/><HeaderName/>…<AuthenticationErrorDetail/></Error>`, or anything else.
private struct ErrorBody {
  private(set) var code: String?
  private(set) var details: [ServiceError.Detail] = []
  private var message: String?

  /// The elements that Azure's reference knows besides code and message, and some that the service
  /// sends; none else is shown.
  private static let detailNames: Set = [
    "HeaderName", "HeaderValue", "QueryParameterName", "QueryParameterValue", "MinimumAllowed",
    "MaximumAllowed", "MinimumLength", "MaximumLength", "MinLimit", "MaxLimit", "Limit", "Reason",
    "XmlNodeName", "XmlNodeValue", "LineNumber", "LinePosition", "UriPath", "ContainerName",
    "ResourceName", "CopySourceErrorCode", "ExtendedErrorDetail",
  ]
  private static let mostDetails = 8

  init(_ bytes: [UInt8]) {
    var found: [ServiceError.Detail] = []
    do {
      try XMLReader.read(bytes) { element in
        // The first that are known, so that a body of many elements does not fill memory.
        guard element.path.count == 2, element.path[0] == "Error",
          found.count < 3 + Self.mostDetails, let text = Self.firstLine(element.text)
        else { return }
        found.append(ServiceError.Detail(name: element.path[1], text: text))
      }
    } catch {
      return  // An answer to HEAD has no body, and a proxy's is not XML: the status has to do.
    }
    let text = { (name: String) in found.first { $0.name == name }?.text }
    code = text("Code")
    message = text("Message")
    details = found.filter { Self.detailNames.contains($0.name) }
    if text("HeaderName")?.lowercased() == "authorization" {
      details.removeAll { $0.name == "HeaderValue" }
    }
    if let detail = text("AuthenticationErrorDetail").map(Self.withoutSignature), !detail.isEmpty {
      details.append(ServiceError.Detail(name: "AuthenticationErrorDetail", text: detail))
    }
  }

  /// What the service says of every failed authentication says nothing.
  var presentableMessage: String? { code == "AuthenticationFailed" ? nil : message }

  /// Without what it quotes: that may be the signature or the string that was signed. Only of a
  /// date the quotation is what matters, and of a wrong signature the hint says all.
  private static func withoutSignature(_ detail: String) -> String {
    if detail.hasPrefix("Request date header") { return detail }
    return detail.hasPrefix("The MAC signature") ? "" : quotationsDropped(detail)
  }

  private static func quotationsDropped(_ text: String) -> String {
    let pieces = text.split(separator: "'", omittingEmptySubsequences: false)
    return pieces.indices.map { $0.isMultiple(of: 2) ? String(pieces[$0]) : "'…'" }.joined()
  }

  /// What follows in a message are the request's id and time, which stand elsewhere.
  private static func firstLine(_ text: String) -> String? {
    // Before anything is cut: half a secret would not be recognised.
    let line = Secrets.redact(text).prefix { !$0.isNewline }.trimmingBlanks()
    return line.isEmpty ? nil : String(line.prefix(500))
  }
}
