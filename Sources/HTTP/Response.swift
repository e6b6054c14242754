// A server's whole response: status, header fields, body.

package struct Response: Sendable {
  package let status: Int
  package let headers: Headers
  package let body: [UInt8]
  /// Fields that came after the body.
  package let trailers: Headers

  package init(status: Int, headers: Headers, body: [UInt8], trailers: Headers = [:]) {
    self.status = status
    self.headers = headers
    self.body = body
    self.trailers = trailers
  }

  package var isSuccess: Bool { (200..<300).contains(status) }

  /// How long the server asks to be left alone: `retry-after-ms`, `x-ms-retry-after-ms`, or
  /// `Retry-After` in seconds or as a date, which counts from the answer's own `Date`.
  package var retryAfter: Duration? {
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
      if let milliseconds = headers[name].flatMap({ Int($0) }), milliseconds >= 0 {
        return .milliseconds(min(milliseconds, 86_400_000))
      }
    }
    guard let text = headers["retry-after"] else { return nil }
    if let seconds = Int(text), seconds >= 0 { return .seconds(min(seconds, 86_400)) }
    guard let then = HTTPDate.parse(text), let now = headers["date"].flatMap(HTTPDate.parse)
    else { return nil }
    return .seconds(max(0, then - now))
  }
}
