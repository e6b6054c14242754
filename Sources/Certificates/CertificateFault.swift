// What can be wrong with a configured certificate, key or authority.

internal import COpenSSL
internal import Glibc

package struct CertificateFault: Error, Equatable {
  package enum Problem: Equatable, Sendable {
    case empty
    case notPEM
    case tooLarge
    /// In OpenSSL's words, which quote none of the text.
    case unreadable(reason: String)
    case noCertificate(holdsKey: Bool)
    case noPrivateKey(holdsCertificate: Bool)
    case unsupportedKey(format: String)
    case encrypted
    case notRSA
    case shortKey(bits: Int)
    case otherKey(certificate: String)
    /// Seconds since 1970.
    case expired(Int)
    case notYetValid(Int)
    /// Every authority has expired, the last one at this time.
    case authoritiesExpired(Int)
  }

  /// What the text is called where it is configured.
  package let name: String
  package let problem: Problem

  package init(name: String, problem: Problem) {
    self.name = name
    self.problem = problem
  }
}

extension CertificateFault: CustomStringConvertible {
  package var description: String { "\(name) \(problem)" }

  /// What an operator can do about it.
  package var hint: String {
    switch problem {
    case .empty, .notPEM:
      "Store a PEM file whole: it holds -----BEGIN CERTIFICATE----- or -----BEGIN … PRIVATE KEY-----."
    case .unreadable:
      "Store the PEM file again, whole and with its line breaks; `openssl x509` or `openssl pkey` "
        + "must be able to read it."
    case .tooLarge: "Store only the authorities that sign the server's certificate."
    case .noCertificate(holdsKey: true), .noPrivateKey(holdsCertificate: true):
      "Store certificate and key each under its own name: were they exchanged?"
    case .noCertificate: "Store a file with -----BEGIN CERTIFICATE-----."
    case .noPrivateKey: "Store a file with -----BEGIN PRIVATE KEY-----."
    case .unsupportedKey: "Convert the key to PKCS#8, or create another one: openssl genpkey."
    case .encrypted:
      "Store it without a passphrase: openssl pkey -in ENCRYPTED -out PLAIN. Access to it is "
        + "then controlled by who may read it."
    case .notRSA, .shortKey:
      "Create another certificate: openssl req -x509 -newkey rsa:2048 -nodes."
    case .otherKey: "Store the key that the certificate was issued for, or have another one issued."
    case .expired: "Renew the certificate."
    case .notYetValid: "Correct this node's clock, or wait until the certificate is valid."
    case .authoritiesExpired: "Store the current authority of the server."
    }
  }
}

extension CertificateFault.Problem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .empty: "is empty"
    case .notPEM: "is not PEM"
    case .tooLarge: "is larger than \(PEMText.largest >> 20) MiB"
    case .unreadable(let reason): "cannot be read: \(reason)"
    case .noCertificate(let holdsKey):
      "holds no certificate\(holdsKey ? ", but a private key" : "")"
    case .noPrivateKey(let holdsCertificate):
      "holds no private key\(holdsCertificate ? ", but a certificate" : "")"
    case .unsupportedKey(let format): "is a key in a format that TLS has no use for: \(format)"
    case .encrypted: "is encrypted, and this program knows no passphrase"
    case .notRSA: "has a key that is not RSA, which Microsoft Entra ID needs"
    case .shortKey(let bits): "has an RSA key of \(bits) bits, but Microsoft Entra ID needs 2048"
    case .otherKey(let certificate): "does not match \(certificate)"
    case .expired(let time): "expired at \(Self.text(time))"
    case .notYetValid(let time): "is not valid before \(Self.text(time))"
    case .authoritiesExpired(let time):
      "holds no authority that is still valid: the last one expired at \(Self.text(time))"
    }
  }

  /// `2026-11-28T03:05:09Z`
  static func text(_ seconds: Int) -> String {
    var seconds = seconds
    var parts = unsafe tm()
    unsafe gmtime_r(&seconds, &parts)
    let twoDigits = { (number: Int32) in number < 10 ? "0\(number)" : "\(number)" }
    let clock = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map(twoDigits)
    let day =
      unsafe "\(parts.tm_year + 1900)-\(twoDigits(parts.tm_mon + 1))-\(twoDigits(parts.tm_mday))"
    return "\(day)T\(clock.joined(separator: ":"))Z"
  }
}
