// What a shared access signature says of itself: its kind, from when until when it holds, and what it allows.

internal import FoundationEssentials
internal import HTTP

/// Nothing in it is secret.
package struct SignatureTerms: Equatable, Sendable {
  package enum Kind: String, Sendable {
    case account = "account SAS"
    case container = "container SAS"
    case userDelegation = "user delegation SAS"

    var withArticle: String { "\(self == .account ? "an" : "a") \(rawValue)" }
  }

  package let kind: Kind
  /// Seconds since 1970; `nil` where it holds from the start, or a stored access policy says when.
  package let start: Int?
  /// Seconds since 1970; `nil` where a stored access policy says when.
  package let expiry: Int?
  /// One letter for each; `nil` where a stored access policy names them.
  package let permissions: String?
  /// The name of the stored access policy.
  package let policy: String?
  let needsEncryption: Bool

  /// `query` is the signature's part of a query, percent-encoded.
  init(query: Substring) throws(SignatureFault) {
    let fields = try Self.fields(of: query)
    guard let signature = fields["sig"] else { throw .notASignature(Self.mistake(in: query)) }
    guard fields["sv"] != nil else { throw .fieldMissing("sv") }
    guard Data(base64Encoded: signature)?.count == 32 else { throw .cut }
    kind = try Self.kind(of: fields)
    start = try Self.time("st", in: fields)
    let own = try Self.time("se", in: fields)
    // A delegation key that expires takes the signature with it.
    let key = try Self.time("ske", in: fields)
    expiry = [own, key].compactMap { $0 }.min()
    permissions = fields["sp"]
    policy = fields["si"]
    if policy == nil {
      for name in ["se", "sp"] where fields[name] == nil { throw .fieldMissing(name) }
    }
    needsEncryption = fields["spr"]?.lowercased() == "https"
  }

  // MARK: Reading

  private static func fields(of query: Substring) throws(SignatureFault) -> [String: String] {
    guard query.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else {
      throw .notASignature(nil)
    }
    var fields: [String: String] = [:]
    for pair in query.split(separator: "&") {
      let name = pair.prefix { $0 != "=" }
      guard let value = PercentEncoding.decode(String(pair.dropFirst(name.count + 1))) else {
        throw .notASignature(nil)
      }
      guard fields.updateValue(value, forKey: name.lowercased()) == nil else {
        throw .repeatedField(String(name.prefix(20)))
      }
    }
    for name in ["comp", "restype"] where fields[name] != nil { throw .foreignField(name) }
    return fields
  }

  private static func mistake(in query: Substring) -> SignatureFault.Mistake? {
    let text = String(query)
    if AccountKey.mistake(in: text) == .connectionString || text.contains("Endpoint=") {
      return .connectionString
    }
    return Data(base64Encoded: text)?.count == 64 ? .accountKey : nil
  }

  private static func kind(of fields: [String: String]) throws(SignatureFault) -> Kind {
    // Neither a user's own token nor headers that were signed are ours to send.
    for name in ["sduoid", "srh", "srq"] where fields[name] != nil { throw .bound(name) }
    if let services = fields["ss"] {
      guard services.contains("b") else { throw .otherService }
      let types = fields["srt"] ?? ""
      guard types.contains("c"), types.contains("o") else { throw .resourceTypes(types) }
      return .account
    }
    guard let resource = fields["sr"] else { throw .fieldMissing("sr") }
    guard resource == "c" else { throw .otherResource(resource) }
    return fields["skoid"] == nil ? .container : .userDelegation
  }

  private static func time(
    _ name: String, in fields: [String: String]
  ) throws(SignatureFault) -> Int? {
    guard let text = fields[name] else { return nil }
    guard let time = ISO8601.parseAny(text) else { throw .unreadableTime(name) }
    return time
  }

  // MARK: What follows

  /// The letters of `needed` that are not allowed; none where a stored access policy decides.
  package func lacking(of needed: String) -> String {
    guard let permissions else { return "" }
    return needed.filter { !permissions.contains($0) }
  }
}

extension SignatureTerms: CustomStringConvertible {
  package var description: String {
    var text = kind.withArticle
    if let permissions { text += " with permissions \(permissions)" }
    if let policy { text += " of the stored access policy \"\(policy)\"" }
    if let start { text += ", from \(ISO8601.format(start))" }
    if let expiry { text += ", until \(ISO8601.format(expiry))" }
    return text
  }
}
