// Who we are, and whom we trust: read and checked before any connection is made.

internal import Console
internal import Glibc

/// A client certificate with its chain, and its key, in memory only; they belong together, and the
/// certificate is valid.
///
/// Printing it in any way yields `<client identity>`.
package struct ClientIdentity: Sendable, Equatable {
  /// The client's own certificate first, whatever the order was.
  package let certificatePEM: [UInt8]
  package let keyPEM: [UInt8]
  /// Seconds since 1970.
  package let expiry: Int
  private let name: String

  /// From this time before the expiry on, a warning is logged.
  package static let noticeDays = 14

  /// `now` is in seconds since 1970.
  package init(
    certificate: PEMText, key: PEMText, now: Int = time(nil)
  ) throws(CertificateFault) {
    let chain = try Self.certificates(in: certificate)
    let keys = try Self.keys(in: key)
    let pair = keys.lazy.compactMap { key in
      chain.firstIndex { $0.belongs(to: key) }.map { (key, $0) }
    }.first
    guard let (privateKey, position) = pair else {
      throw key.fault(.otherKey(certificate: certificate.name))
    }
    let own = chain[position]
    guard own.validity.lowerBound <= now else {
      throw certificate.fault(.notYetValid(own.validity.lowerBound))
    }
    guard now <= own.validity.upperBound else {
      throw certificate.fault(.expired(own.validity.upperBound))
    }
    var issuers = chain
    issuers.remove(at: position)
    certificatePEM = PEM.text([own] + issuers)
    keyPEM = privateKey.pem
    Secrets.registerPrivateKey(keyPEM)
    expiry = own.validity.upperBound
    name = certificate.name
  }

  private static func certificates(in text: PEMText) throws(CertificateFault) -> [Certificate] {
    let blocks = try text.blocks()
    let found = try blocks.filter { Certificate.labels.contains($0.label) }
      .map { block throws(CertificateFault) in try Certificate(block, of: text) }
    guard !found.isEmpty else {
      throw text.fault(
        .noCertificate(holdsKey: blocks.contains { $0.label.hasSuffix("PRIVATE KEY") }))
    }
    return found
  }

  private static func keys(in text: PEMText) throws(CertificateFault) -> [PrivateKey] {
    let blocks = try text.blocks()
    let found =
      try blocks
      .filter { PrivateKey.labels.contains($0.label) || $0.label == PrivateKey.encryptedLabel }
      .map { block throws(CertificateFault) in try PrivateKey(block, of: text) }
    guard found.isEmpty else { return found }
    if blocks.contains(where: { $0.label == "OPENSSH PRIVATE KEY" }) {
      throw text.fault(.unsupportedKey(format: "OpenSSH"))
    }
    throw text.fault(
      .noPrivateKey(holdsCertificate: blocks.contains { Certificate.labels.contains($0.label) }))
  }

  /// Set where the certificate expires within `noticeDays`.
  package func warning(now: Int = time(nil)) -> String? {
    let days = (expiry - now) / 86_400
    guard days < Self.noticeDays else { return nil }
    let left = days < 1 ? "less than a day" : days == 1 ? "1 day" : "\(days) days"
    return "\(name) expires in \(left), at \(CertificateFault.Problem.text(expiry))"
  }
}

extension ClientIdentity: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "<client identity>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The authorities that may sign a server's certificate, at least one of them still valid.
package struct CertificateAuthorities: Sendable, Equatable {
  package let pem: [UInt8]

  /// `now` is in seconds since 1970.
  package init(_ text: PEMText, now: Int = time(nil)) throws(CertificateFault) {
    var seen: Set<[UInt8]> = []
    let blocks = try text.blocks()
    let found = try blocks.filter { Certificate.labels.contains($0.label) }
      .map { block throws(CertificateFault) in try Certificate(block, of: text) }
      .filter { seen.insert($0.der).inserted }
    guard let last = found.map(\.validity.upperBound).max() else {
      throw text.fault(
        .noCertificate(holdsKey: blocks.contains { $0.label.hasSuffix("PRIVATE KEY") }))
    }
    guard now <= last else { throw text.fault(.authoritiesExpired(last)) }
    pem = PEM.text(found)
  }
}
