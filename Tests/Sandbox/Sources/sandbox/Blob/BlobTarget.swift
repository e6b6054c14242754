// What a blob request is about: account, container, blob and query, taken from its URL.

/// The parsed URL of a request to the blob service.
struct BlobTarget: Sendable {
  /// How the account came into the URL.
  enum Style { case path, host }

  let account: String
  let container: String?
  let blob: String?
  /// Lower-cased, decoded names with their decoded values, in the order of the URL.
  let query: [(name: String, value: String)]

  subscript(_ name: String) -> String? { query.first { $0.name == name }?.value }

  /// `account` is the only one there is; anything else is not found.
  init(_ call: Call, account: String) throws(BlobError) {
    query = try Self.parse(query: call.query)
    let style: Style = Self.isHostStyle(call.host) ? .host : .path
    var parts = call.path.split(
      separator: "/", maxSplits: style == .path ? 3 : 2,
      omittingEmptySubsequences: false)
    guard call.target.hasPrefix("/"), !parts.isEmpty else { throw .invalidURI }
    parts.removeFirst()

    switch style {
    case .host:
      self.account = String(call.host.prefix { $0 != "." })
    case .path:
      guard let first = parts.first, !first.isEmpty else { throw .invalidURI }
      self.account = String(first)
      parts.removeFirst()
    }
    guard self.account == account else { throw .resourceNotFound }

    container = try parts.first.flatMap { $0.isEmpty ? nil : $0 }.map(Self.decodePath)
    blob = try parts.dropFirst().first.flatMap { $0.isEmpty ? nil : $0 }.map(Self.decodePath)
    if blob != nil && container == nil { throw .invalidURI }
  }

  /// `ACCOUNT.blob.localhost` and the like; IP addresses and bare `localhost` are path style.
  static func isHostStyle(_ host: String) -> Bool {
    host.prefix { $0 != ":" }.split(separator: ".").dropFirst().first == "blob"
  }

  private static func decodePath(_ text: Substring) throws(BlobError) -> String {
    guard let decoded = PercentEncoding.decode(text) else { throw .invalidURI }
    return decoded
  }

  private static func parse(query: Substring?) throws(BlobError) -> [(name: String, value: String)]
  {
    guard let query, !query.isEmpty else { return [] }
    var pairs: [(name: String, value: String)] = []
    for part in query.split(separator: "&") {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = PercentEncoding.decode(halves[0]),
        let value = PercentEncoding.decode(halves.count > 1 ? halves[1] : "")
      else { throw .invalidURI }
      pairs.append((name: name.lowercased(), value: value))
    }
    return pairs
  }
}
