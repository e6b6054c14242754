// What an application with a certificate shows in place of a secret: a JSON Web Token that its key signs.
//
// See https://learn.microsoft.com/entra/identity-platform/certificate-credentials.

internal import Certificates
internal import Digests
internal import FoundationEssentials

enum ClientAssertion {
  /// Seconds; the longest life that the document allows.
  private static let lifetime = 600

  /// For `principal` and for one request; `now` is in seconds since 1970.
  static func make(
    for principal: Principal, signedWith certificate: SigningCertificate,
    now: Int = Int(Date().timeIntervalSince1970), id: UUID = UUID()
  ) throws(TokenError) -> String {
    let thumbprint = SHA256.digest(of: certificate.der)
    // Neither field can hold a character that JSON escapes.
    let header = #"{"alg":"PS256","typ":"JWT","x5t#S256":"\#(base64URL(thumbprint.bytes))"}"#
    let claims =
      #"{"aud":"\#(principal.tokenURL)","iss":"\#(principal.clientID)","sub":"\#(principal.clientID)","#
      + #""jti":"\#(id.uuidString.lowercased())","nbf":\#(now),"exp":\#(now + lifetime)}"#
    let signed = base64URL(Array(header.utf8)) + "." + base64URL(Array(claims.utf8))
    guard let signature = certificate.sign(Array(signed.utf8)) else {
      throw .unusableCertificate("OpenSSL could not sign with its key")
    }
    return signed + "." + base64URL(signature)
  }

  private static func base64URL(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
      .replacing("=", with: "")
  }
}
