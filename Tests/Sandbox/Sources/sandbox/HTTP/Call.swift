// One request's head, and the answer to it, as the two services see them.

/// The head of one request.
struct Call: Sendable {
  let method: String
  /// Path and query exactly as they were sent.
  let target: String
  let headers: Headers
  /// HTTP/1.0 closes the connection after each answer.
  var isHTTP10 = false
  /// SHA-256 (hex) of the client's certificate, where one was presented and trusted.
  var certificateFingerprint: String?

  /// The path exactly as it was sent, without the query.
  var path: Substring { target.prefix { $0 != "?" } }

  /// The target for the log: who has a signature can use it.
  var targetWithoutSignature: String {
    guard let query else { return target }
    let parameters = query.split(separator: "&", omittingEmptySubsequences: false).map {
      $0.lowercased().hasPrefix("sig=") ? "sig=..." : String($0)
    }
    return path + "?" + parameters.joined(separator: "&")
  }

  /// The raw query without its `?`; `nil` when there is none.
  var query: Substring? {
    target.firstIndex(of: "?").map { target[target.index(after: $0)...] }
  }

  /// The value of a header that was sent at least once.
  subscript(_ name: String) -> String? { headers[name] }

  var host: String { self["Host"] ?? "" }
  /// How many bytes the request announces; `nil` when it has no Content-Length.
  var contentLength: Int? { self["Content-Length"].flatMap { Int($0) } }
  var isChunked: Bool { self["Transfer-Encoding"] != nil }
  var expectsContinue: Bool { self["Expect"]?.lowercased() == "100-continue" }
  /// The client wants the connection to end with this request.
  var isLast: Bool { isHTTP10 || self["Connection"]?.lowercased() == "close" }
}

/// What to answer.
struct Answer: Sendable {
  enum Body: Sendable {
    case none
    case bytes([UInt8])
    case stored(StoredSlice)
  }

  var status: Int
  var headers = Headers()
  var body: Body = .none
  /// The error's code, for the log.
  var reason: String?

  init(_ status: Int, _ headers: [(String, String)] = [], body: Body = .none) {
    self.status = status
    self.body = body
    for (name, value) in headers { self[name] = value }
  }

  subscript(_ name: String) -> String? {
    get { headers[name] }
    set { headers[name] = newValue }
  }

  /// How many bytes of body follow the head.
  var bodyLength: Int {
    switch body {
    case .none: 0
    case .bytes(let bytes): bytes.count
    case .stored(let slice): slice.range.count
    }
  }

  /// The status line and all header fields, with the empty line that ends them.
  var head: [UInt8] {
    var text = "HTTP/1.1 \(status) \(Self.phrases[status] ?? "Status \(status)")\r\n"
    for field in headers.fields { text += "\(field.name): \(field.value)\r\n" }
    return Array((text + "\r\n").utf8)
  }

  private static let phrases = [
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content",
    304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 411: "Length Required",
    412: "Precondition Failed", 413: "Content Too Large", 415: "Unsupported Media Type",
    416: "Range Not Satisfiable", 422: "Unprocessable Content", 429: "Too Many Requests",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout",
  ]
}
