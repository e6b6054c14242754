// One certificate and one private key, owned by OpenSSL.

internal import COpenSSL
internal import Glibc

@safe final class Certificate {
  private let raw: OpaquePointer
  /// Seconds since 1970, both included.
  let validity: ClosedRange<Int>
  /// Without what only OpenSSL adds to it.
  let der: [UInt8]

  static let labels = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"]

  init(_ block: PEMText.Block, of text: PEMText) throws(CertificateFault) {
    ERR_clear_error()
    let parsed = unsafe block.contents.withUnsafeBufferPointer { bytes in
      var next = bytes.baseAddress
      return block.label == "TRUSTED CERTIFICATE"
        ? unsafe d2i_X509_AUX(nil, &next, bytes.count) : unsafe d2i_X509(nil, &next, bytes.count)
    }
    guard let parsed = unsafe parsed else {
      throw text.fault(.unreadable(reason: OpenSSL.lastProblem()))
    }
    guard let from = unsafe Self.seconds(X509_get0_notBefore(parsed)),
      let to = unsafe Self.seconds(X509_get0_notAfter(parsed)), from <= to
    else {
      unsafe X509_free(parsed)
      throw text.fault(.unreadable(reason: "its validity is no span of time"))
    }
    unsafe raw = parsed
    validity = from...to
    var encoded: UnsafeMutablePointer<UInt8>?
    let count = unsafe i2d_X509(parsed, &encoded)
    der = unsafe Array(UnsafeBufferPointer(start: encoded, count: Int(max(count, 0))))
    unsafe openssl_shim_free(encoded)
  }

  deinit {
    unsafe X509_free(raw)
  }

  func belongs(to key: PrivateKey) -> Bool {
    let matches = unsafe X509_check_private_key(raw, key.raw) == 1
    ERR_clear_error()
    return matches
  }

  private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int? {
    var parts = unsafe tm()
    guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    return unsafe timegm(&parts)
  }
}

@safe final class PrivateKey {
  let raw: OpaquePointer

  static let labels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"]
  static let encryptedLabel = "ENCRYPTED PRIVATE KEY"

  init(_ block: PEMText.Block, of text: PEMText) throws(CertificateFault) {
    guard !block.hasEncryptionHeader, block.label != Self.encryptedLabel else {
      throw text.fault(.encrypted)
    }
    ERR_clear_error()
    let parsed = unsafe block.contents.withUnsafeBufferPointer { bytes in
      var next = bytes.baseAddress
      return unsafe d2i_AutoPrivateKey(nil, &next, bytes.count)
    }
    guard let parsed = unsafe parsed else {
      throw text.fault(.unreadable(reason: OpenSSL.lastProblem()))
    }
    unsafe raw = parsed
  }

  deinit {
    unsafe EVP_PKEY_free(raw)
  }

  /// PKCS#8, without a passphrase; empty where OpenSSL fails.
  var pem: [UInt8] {
    unsafe PEM.write { sink in
      unsafe PEM_write_bio_PKCS8PrivateKey(sink, raw, nil, nil, 0, nil, nil) == 1
    }
  }
}

enum PEM {
  static func text(_ certificates: [Certificate]) -> [UInt8] {
    unsafe write { sink in
      certificates.allSatisfy {
        unsafe PEM_write_bio(sink, "CERTIFICATE", "", $0.der, $0.der.count) > 0
      }
    }
  }

  /// What `body` writes; nothing where it says that it failed.
  fileprivate static func write(_ body: (OpaquePointer) -> Bool) -> [UInt8] {
    guard let sink = unsafe BIO_new(BIO_s_mem()) else { return [] }
    defer { unsafe BIO_free(sink) }
    guard unsafe body(sink) else {
      ERR_clear_error()
      return []
    }
    var bytes = [UInt8](repeating: 0, count: unsafe BIO_ctrl_pending(sink))
    let count = unsafe BIO_read(sink, &bytes, Int32(bytes.count))
    return count == bytes.count ? bytes : []
  }
}
