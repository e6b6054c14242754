// The URL of a server, read by the parser that also connects: libcurl's.

internal import CCurl

/// Scheme, host, port, and what stands in front of the path of every request.
///
///     try ServerURL("HTTPS://Example.com:8443/base/").description  // https://example.com:8443/base
///
/// A text that libcurl reads as something else than it seems to say is refused: `http://127.1` is
/// 127.0.0.1 and `http:///host` is host, and what is checked here must be what is connected to.
/// See https://curl.se/libcurl/c/curl_url_set.html.
package struct ServerURL: Hashable, Sendable, CustomStringConvertible {
  package enum Scheme: String, Sendable {
    case http, https
  }

  /// Why a text is not the URL of a server.
  package enum Fault: Error, Equatable {
    case scheme
    /// A password in a URL would end up in logs.
    case user
    case query, fragment
    /// In libcurl's words.
    case malformed(reason: String)
    case ambiguous(readAs: String)
  }

  package let scheme: Scheme
  /// In lower case; an IPv6 address stands in brackets.
  package private(set) var host: String
  /// `nil` where it is the scheme's own.
  package private(set) var port: Int?
  /// Empty, or from its first slash on, without a last one.
  package let path: String

  package init(_ text: String) throws(Fault) {
    guard let separator = text.firstRange(of: "://"),
      let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased())
    else { throw .scheme }
    guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !Self.foreign.contains($0) }) else {
      throw .malformed(reason: "a character that a URL cannot hold")
    }
    let parts = try URLParts(text)
    if parts[CURLUPART_QUERY] != nil { throw .query }
    if text.contains("#") { throw .fragment }

    self.scheme = scheme
    host = (parts[CURLUPART_HOST] ?? "").lowercased()
    port = parts[CURLUPART_PORT].flatMap { Int($0) }
    var path = parts[CURLUPART_PATH] ?? ""
    while path.hasSuffix("/") { path.removeLast() }
    self.path = path

    var written = text
    while written.hasSuffix("/") { written.removeLast() }
    guard written.lowercased() == description.lowercased(), port != 0 else {
      throw .ambiguous(readAs: description)
    }
  }

  /// `host` is a name in lower case, with nothing in it that a URL must encode.
  package init(_ scheme: Scheme, host: String) {
    self.scheme = scheme
    self.host = host
    path = ""
  }

  /// RFC 3986, appendix A: no part of a URL holds one of these.
  private static let foreign = Array(#""<>\^`{|}"#.utf8)

  package var description: String { origin + path }

  /// `https://host` or `https://host:8443`
  package var origin: String { "\(scheme.rawValue)://\(host)\(port.map { ":\($0)" } ?? "")" }

  /// `host:port`, also where the port is the scheme's own.
  package var address: String { "\(host):\(port ?? (scheme == .https ? 443 : 80))" }

  /// The same server with its port written out, under this name if there is one.
  package func explicit(named name: String? = nil) -> ServerURL {
    var url = self
    url.port = port ?? (scheme == .https ? 443 : 80)
    if let name { url.host = name }
    return url
  }

  /// Whether what is sent can be read on the way: plain HTTP to another machine.
  package var isReadableOnTheWay: Bool {
    scheme == .http && !Loopback.isLoopback(hostAndPort: host)
  }
}

/// Owns one of libcurl's parsed URLs.
@safe struct URLParts: ~Copyable {
  private let raw: OpaquePointer?

  init(_ text: String) throws(ServerURL.Fault) {
    unsafe raw = curl_url()
    let code = unsafe curl_url_set(raw, CURLUPART_URL, text, UInt32(CURLU_DISALLOW_USER))
    if code == CURLUE_USER_NOT_ALLOWED { throw .user }
    guard code == CURLUE_OK else {
      throw .malformed(reason: unsafe String(cString: curl_url_strerror(code)))
    }
  }

  deinit { unsafe curl_url_cleanup(raw) }

  /// Written out where the URL leaves it to the scheme.
  var port: String? { part(CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)) }

  /// `nil` where the URL has no such part.
  subscript(part: CURLUPart) -> String? { self.part(part, 0) }

  private func part(_ part: CURLUPart, _ flags: UInt32) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard unsafe curl_url_get(raw, part, &text, flags) == CURLUE_OK else { return nil }
    defer { unsafe curl_free(text) }
    return unsafe text.map { unsafe String(cString: $0) }
  }
}
