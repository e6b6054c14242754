// Percent-encoding (RFC 3986, 2.1), by libcurl: everything but unreserved characters, as Azure's own clients do it.

internal import CCurl

package enum PercentEncoding {
  /// One path segment or one query name or value.
  package static func encode(_ text: String) -> String {
    var text = text
    let encoded = text.withUTF8 { bytes in
      // For an empty text libcurl would ask strlen.
      unsafe bytes.isEmpty ? nil : curl_easy_escape(nil, bytes.baseAddress, Int32(bytes.count))
    }
    defer { unsafe curl_free(encoded) }
    return unsafe encoded.map { unsafe String(cString: $0) } ?? ""
  }

  /// A path: like `encode`, but the slashes between its segments stay.
  package static func encodePath(_ path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: false)
      .map { encode(String($0)) }.joined(separator: "/")
  }

  /// The text that was encoded, or `nil` where a `%` does not begin an octet or no UTF-8 comes out.
  package static func decode(_ text: String) -> String? {
    // libcurl leaves a `%` that begins no octet as it is.
    for rest in text.utf8.split(separator: UInt8(ascii: "%"), omittingEmptySubsequences: false)
      .dropFirst()
    {
      let digits = rest.prefix(2)
      guard digits.count == 2, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit })
      else { return nil }
    }
    guard !text.isEmpty else { return text }
    var length: Int32 = 0
    guard let decoded = unsafe curl_easy_unescape(nil, text, Int32(text.utf8.count), &length) else {
      return nil
    }
    defer { unsafe curl_free(decoded) }
    let bytes = unsafe UnsafeRawBufferPointer(start: decoded, count: Int(length))
    return unsafe String(validating: bytes, as: UTF8.self)
  }
}
