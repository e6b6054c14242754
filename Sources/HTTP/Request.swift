// What is asked of a server: method, URL, header fields and, where there is one, a body in memory.

package struct Request {
  package var method: String
  /// Absolute, already percent-encoded: it goes on the wire as it stands.
  package var url: String
  package var headers: Headers
  /// `nil` sends no body and no Content-Length; an empty payload sends `Content-Length: 0`.
  package var body: Payload?

  package init(_ method: String, _ url: String, headers: Headers = [:], body: Payload? = nil) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }

  /// Method and URL without its query, in which signatures may stand: fit for logs and errors.
  package var summary: String {
    "\(method) \(url.prefix { $0 != "?" })"
  }
}
