// What is known of the token that opens the store: whose it is, and until when it holds.

internal import HTTP

/// Nothing in it is secret.
package struct TokenTerms: Equatable, Sendable {
  package let identity: IdentityName
  /// Of the service account's token that it was exchanged for; `nil` where there was none.
  package let subject: String?
  /// What it says of itself, not verified.
  package let claims: TokenClaims?
  /// Seconds since 1970.
  package let expiry: Int
}

extension TokenTerms: CustomStringConvertible {
  package var description: String {
    var text = "a token of \(identity)"
    if let client = claims?.client, client != identity.clientID { text += ", client \(client)" }
    if let object = claims?.object { text += ", object \(object)" }
    if let subject { text += ", for the subject \(subject)" }
    return text + ", until \(ISO8601.format(expiry)); it is renewed before"
  }
}
