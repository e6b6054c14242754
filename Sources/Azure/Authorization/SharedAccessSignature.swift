// A shared access signature (SAS): a part of a query that opens a container, or an account, until it expires.
//
// See https://learn.microsoft.com/rest/api/storageservices/delegate-access-with-shared-access-signature.

internal import Console
internal import FoundationEssentials
internal import HTTP

/// Printing it in any way yields its terms; only `StorageCredential` reads the query.
package struct SharedAccessSignature: Sendable {
  package let terms: SignatureTerms
  /// As it was issued: to decode and encode it again could change what was signed.
  let query: String

  /// `text` is the query alone, or a whole URL of the container or the account at `endpoint`.
  package init(
    _ text: String, for container: ContainerName, at endpoint: StorageEndpoint
  ) throws(SignatureFault) {
    Self.registerSecret(in: text)
    var query = text[...]
    if let mark = text.firstIndex(of: "?"), mark > text.startIndex {
      try Self.checkAddress(text[..<mark], of: container, at: endpoint)
      query = text[mark...]
    }
    query = query.drop { $0 == "?" || $0 == "&" }
    while query.last == "&" { query.removeLast() }
    terms = try SignatureTerms(query: query)
    if terms.needsEncryption, endpoint.url.scheme == .http { throw .needsHTTPS }
    self.query = String(query)
  }

  /// Before anything can fail: an error may quote what it could not read.
  private static func registerSecret(in text: String) {
    for pair in text.split(whereSeparator: { "?&;".contains($0) }) {
      let name = pair.prefix { $0 != "=" }
      guard name.lowercased() == "sig" else { continue }
      let value = String(pair.dropFirst(name.count + 1))
      Secrets.register(value)
      if let decoded = PercentEncoding.decode(value) { Secrets.register(decoded) }
    }
  }

  private static func checkAddress(
    _ address: Substring, of container: ContainerName, at endpoint: StorageEndpoint
  ) throws(SignatureFault) {
    let own = endpoint.url.description
    var address = address
    while address.last == "/" { address.removeLast() }
    let known = [own, "\(own)/\(container)"]
    guard known.contains(where: { $0.lowercased() == address.lowercased() }) else {
      throw .otherAddress(expected: "\(own)/\(container)")
    }
  }
}

extension SharedAccessSignature: CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  package var description: String { "<\(terms)>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
