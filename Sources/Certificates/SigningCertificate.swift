// A certificate with its RSA key, which signs what shows who we are.

internal import COpenSSL
internal import Console
internal import Glibc

/// Printing it in any way yields `<signing certificate>`.
package final class SigningCertificate: Sendable {
  /// Of the certificate.
  package let der: [UInt8]
  /// Seconds since 1970.
  package let expiry: Int
  private let keyPEM: PEMText

  private static let fewestBits: Int32 = 2048

  /// `text` holds both, in any order; `now` is in seconds since 1970.
  package init(_ text: PEMText, now: Int = time(nil)) throws(CertificateFault) {
    let identity = try ClientIdentity(certificate: text, key: text, now: now)
    let certificates = PEMText(identity.certificatePEM, named: text.name)
    guard let block = try certificates.blocks().first else { throw text.fault(.empty) }
    let own = try Certificate(block, of: certificates)
    (der, expiry) = (own.der, own.validity.upperBound)
    keyPEM = PEMText(identity.keyPEM, named: text.name)
    let key = try Self.key(in: keyPEM)
    guard unsafe EVP_PKEY_get_base_id(key.raw) == EVP_PKEY_RSA else {
      throw text.fault(.notRSA)
    }
    guard unsafe EVP_PKEY_get_bits(key.raw) >= Self.fewestBits else {
      throw text.fault(.shortKey(bits: Int(unsafe EVP_PKEY_get_bits(key.raw))))
    }
  }

  private static func key(in text: PEMText) throws(CertificateFault) -> PrivateKey {
    guard let block = try text.blocks().first else { throw text.fault(.empty) }
    return try PrivateKey(block, of: text)
  }

  /// PS256: RSASSA-PSS with SHA-256 and a salt of 32 bytes. `nil` where OpenSSL fails.
  package func sign(_ message: [UInt8]) -> [UInt8]? {
    guard let key = try? Self.key(in: keyPEM), let context = unsafe EVP_MD_CTX_new() else {
      return nil
    }
    defer {
      unsafe EVP_MD_CTX_free(context)
      ERR_clear_error()
    }
    var parameters: OpaquePointer?
    guard unsafe EVP_DigestSignInit(context, &parameters, EVP_sha256(), nil, key.raw) == 1,
      unsafe EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1,
      unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1
    else { return nil }
    var signature = [UInt8](repeating: 0, count: Int(unsafe EVP_PKEY_get_size(key.raw)))
    var count = signature.count
    guard unsafe EVP_DigestSign(context, &signature, &count, message, message.count) == 1 else {
      return nil
    }
    return Array(signature.prefix(count))
  }
}

extension SigningCertificate: Equatable {
  package static func == (one: SigningCertificate, other: SigningCertificate) -> Bool {
    one.der == other.der
  }
}

extension SigningCertificate: CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  package var description: String { "<signing certificate>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
