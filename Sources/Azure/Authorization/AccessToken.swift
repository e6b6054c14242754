// A token of Microsoft Entra ID, which authorises requests in place of a key for about an hour.

internal import Console
internal import FoundationEssentials
internal import HTTP

/// Printing it in any way yields `<access token>`.
struct AccessToken {
  /// As the `Authorization` field carries it.
  let headerValue: String
  /// From then on another one is fetched while this one still serves.
  let renewal: ContinuousClock.Instant
  /// From then on it serves no more.
  let end: ContinuousClock.Instant
  /// The same in seconds since 1970, for messages; there it is the whole life.
  let expiry: Int
  /// What it says of itself; `nil` where it is no JSON Web Token.
  let claims: TokenClaims?

  /// Ten minutes before its end, but never before three quarters of its life have passed.
  private static let longestMargin = Duration.seconds(600)
  /// A request that is sent now arrives a little later.
  private static let longestGrace = Duration.seconds(60)

  /// Seconds. Entra's longest life is a day; of one that claims more, the store tells the end.
  private static let longestLife = 86_400

  /// `nil` where `text` cannot stand in a header field. The life, in seconds, counts from when it was
  /// requested; `now` is in seconds since 1970.
  init?(_ text: String, requested: ContinuousClock.Instant, seconds: Int, now: Int) {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    Secrets.register(text)
    let lifetime = Duration.seconds(min(seconds, Self.longestLife))
    expiry = now + min(seconds, Self.longestLife)
    claims = TokenClaims(of: text)
    headerValue = "Bearer \(text)"
    renewal = requested + lifetime - min(Self.longestMargin, lifetime / 4)
    end = requested + lifetime - min(Self.longestGrace, lifetime / 8)
  }
}

extension AccessToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  var description: String { "<access token>" }
  var debugDescription: String { description }
  var customMirror: Mirror { Mirror(self, children: []) }
}

/// The response to a request for a token. Entra sends numbers; IMDS sends the same as texts.
struct TokenResponse: Decodable {
  let token: String
  /// Seconds; `nil` where only the end is told.
  let lifetime: Int?
  /// Seconds since 1970.
  let end: Int?

  private enum CodingKeys: String, CodingKey {
    case token = "access_token"
    case lifetime = "expires_in"
    case end = "expires_on"
    case kind = "token_type"
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    token = try fields.decode(String.self, forKey: .token)
    lifetime = Self.number(.lifetime, in: fields)
    end = Self.number(.end, in: fields)
    if let kind = try fields.decodeIfPresent(String.self, forKey: .kind),
      kind.lowercased() != "bearer"
    {
      throw DecodingError.dataCorruptedError(
        forKey: .kind, in: fields, debugDescription: "it is of another kind")
    }
  }

  /// A number that is none, is as good as none.
  private static func number(
    _ key: CodingKeys, in fields: KeyedDecodingContainer<CodingKeys>
  ) -> Int? {
    if let number = try? fields.decode(Double.self, forKey: key) {
      // JSON knows larger numbers than `Int`.
      return Int(exactly: number.rounded(.towardZero)) ?? (number > 0 ? .max : .min)
    }
    return (try? fields.decode(String.self, forKey: key)).flatMap { Int($0) }
  }
}

/// What a JSON Web Token says of itself. It is not verified: it serves messages only.
package struct TokenClaims: Equatable, Sendable, Decodable {
  package let issuer: String?
  package let subject: String?
  package let audience: String?
  /// The client id of an application, of version 1 and 2 of the protocol.
  package let client: String?
  /// The id of its object in the tenant, which roles are given to.
  package let object: String?

  private enum CodingKeys: String, CodingKey {
    case issuer = "iss"
    case subject = "sub"
    case audience = "aud"
    case appID = "appid"
    case party = "azp"
    case object = "oid"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    issuer = try? fields.decode(String.self, forKey: .issuer)
    subject = try? fields.decode(String.self, forKey: .subject)
    let list = try? fields.decode([String].self, forKey: .audience)
    client =
      (try? fields.decode(String.self, forKey: .appID))
      ?? (try? fields.decode(String.self, forKey: .party))
    object = try? fields.decode(String.self, forKey: .object)
    audience = list?.joined(separator: ", ") ?? (try? fields.decode(String.self, forKey: .audience))
  }

  /// `nil` where `token` is no such token.
  package init?(of token: String) {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let bytes = Self.bytes(base64URL: parts[1]),
      let claims = try? JSONDecoder().decode(TokenClaims.self, from: bytes)
    else { return nil }
    self = claims
  }

  private static func bytes(base64URL text: Substring) -> Data? {
    let standard = String(text).replacing("-", with: "+").replacing("_", with: "/")
    let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
    return Data(base64Encoded: standard + padding)
  }
}
