// The hosts that the environment's proxy is not for, in the words that libcurl understands.

internal import Glibc

/// libcurl 7.88 passes over `*.domain` and `host:port`, which other programs honour.
///
/// See https://curl.se/libcurl/c/CURLOPT_NOPROXY.html.
enum ProxyExceptions {
  /// The list for a request to this URL; `nil` where the environment has none.
  static func normalised(for url: String) -> String? {
    for name in ["no_proxy", "NO_PROXY"] {
      if let value = unsafe getenv(name) {
        let port = (try? URLParts(url))?.port ?? ""
        return normalise(unsafe String(cString: value), port: port)
      }
    }
    return nil
  }

  /// An entry with a port counts only where that is the request's.
  static func normalise(_ list: String, port: String) -> String {
    list.split { $0 == "," || $0.isWhitespace }.compactMap { entry -> Substring? in
      let host = entry.hasPrefix("*.") ? entry.dropFirst(1) : entry
      guard let colon = host.lastIndex(of: ":") else { return host }
      let name = host[..<colon]
      // Without brackets several colons are an IPv6 address.
      guard !name.contains(":") || name.hasSuffix("]") else { return host }
      guard !host.hasSuffix("]") else { return host }
      return host[host.index(after: colon)...] == port ? name : nil
    }.joined(separator: ",")
  }

}
