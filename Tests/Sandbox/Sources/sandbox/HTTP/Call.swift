// One request's head, and the answer to it, as the two services see them.

import HTTPTypes
import NIOCore

/// The head of one request.
struct Call: Sendable {
  let method: String
  /// Path and query exactly as they were sent.
  let target: String
  let host: String
  let headers: HTTPFields
  /// SHA-256 (hex) of the client's certificate, where one was presented and trusted.
  let certificateFingerprint: String?

  /// The path exactly as it was sent, without the query.
  var path: Substring { target.prefix { $0 != "?" } }

  /// The raw query without its `?`; `nil` when there is none.
  var query: Substring? {
    target.firstIndex(of: "?").map { target[target.index(after: $0)...] }
  }

  /// The value of a header that was sent at least once.
  subscript(_ name: String) -> String? {
    HTTPField.Name(name).flatMap { headers[$0] }
  }

  /// How many bytes the request announces; `nil` when it has no (valid) Content-Length.
  var contentLength: Int? { headers[.contentLength].flatMap { Int($0) } }
  var isChunked: Bool { headers[.transferEncoding] != nil }
  var expectsContinue: Bool { headers[.expect]?.lowercased() == "100-continue" }
}

/// What to answer.
struct Answer: Sendable {
  enum Body: Sendable {
    case none
    case bytes([UInt8])
    case stored(StoredSlice)
  }

  var status: Int
  var headers: HTTPFields
  var body: Body = .none
  /// The error's code, for the log.
  var reason: String?

  init(_ status: Int, _ headers: [(String, String)] = [], body: Body = .none) {
    self.status = status
    self.headers = HTTPFields()
    self.body = body
    for (name, value) in headers { self[name] = value }
  }

  subscript(_ name: String) -> String? {
    get { HTTPField.Name(name).flatMap { headers[$0] } }
    set {
      guard let name = HTTPField.Name(name) else { return }
      headers[name] = newValue
    }
  }

  /// How many bytes of body follow the head.
  var bodyLength: Int {
    switch body {
    case .none: 0
    case .bytes(let bytes): bytes.count
    case .stored(let slice): slice.range.count
    }
  }
}

/// The client closed its connection before its request was whole.
struct ClientGone: Error {}

/// The pace at which a scripted fault lets bytes through one connection.
struct Pace: Sendable {
  /// `nil`: as fast as it goes.
  var bytesPerSecond: Int?
  private let start = ContinuousClock.now
  private var bytes = 0

  init(bytesPerSecond: Int? = nil) {
    self.bytesPerSecond = bytesPerSecond
  }

  /// Waits until `count` more bytes are due.
  mutating func pass(_ count: Int) async throws {
    guard let bytesPerSecond else { return }
    bytes += count
    let due = start + .seconds(Double(bytes) / Double(bytesPerSecond))
    try await Task.sleep(until: due, clock: .continuous)
  }
}
