// TLS of the two services: one certificate, and clients' certificates where a CA is given for them.

import HummingbirdTLS
import NIOCore
import NIOSSL

/// Sets up TLS and asks connections about it.
enum TLS {
  /// With `clientCA`, a PEM file, a client may (but need not) present a certificate of that CA.
  static func configuration(certificate: String, key: String, clientCA: String?) throws
    -> TLSConfiguration
  {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
    configuration.applicationProtocols = ["http/1.1"]
    if let clientCA {
      configuration.trustRoots = .file(clientCA)
      configuration.certificateVerification = .optionalVerification
    }
    return configuration
  }

  /// SHA-256 (hex) of the verified client certificate's DER; `nil` without TLS or certificate.
  static func clientFingerprint(of channel: any Channel) async -> String? {
    // No TLS handler in the pipeline is the plain port.
    guard let certificate = try? await channel.nioSSL_peerCertificate().get(),
      let bytes = try? certificate.toDERBytes()
    else { return nil }
    return Digests.sha256Hex(bytes)
  }
}
