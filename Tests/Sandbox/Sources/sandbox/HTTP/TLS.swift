// TLS by OpenSSL: one certificate, and clients' certificates where a CA is given for them.

import COpenSSL
import Foundation

/// A certificate, a key or a CA that OpenSSL does not take.
struct TLSError: Error, CustomStringConvertible {
  let description: String

  /// Takes the reason from OpenSSL's queue of errors: make it right after the call.
  init(_ what: String) {
    let reason = unsafe ERR_reason_error_string(ERR_peek_last_error()).map {
      unsafe String(cString: $0)
    }
    description = "\(what): \(reason ?? "unknown error")"
  }
}

/// What all TLS connections to one port have in common.
@safe final class TLSServer: Sendable {
  // Only changed by `init`; OpenSSL locks what connections share.
  fileprivate nonisolated(unsafe) let context: OpaquePointer

  /// Both files are PEM. With `clientCA`, a PEM file too, a client may (but need not) present a
  /// certificate of that CA.
  init(certificate: String, key: String, clientCA: String?) throws {
    guard let context = unsafe SSL_CTX_new(TLS_server_method()) else { throw TLSError("no TLS") }
    unsafe self.context = context
    unsafe sandbox_restrict(context)
    guard unsafe SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
      throw TLSError(certificate)
    }
    guard unsafe SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
      throw TLSError(key)
    }
    guard let clientCA else { return }
    guard unsafe SSL_CTX_load_verify_locations(context, clientCA, nil) == 1 else {
      throw TLSError(clientCA)
    }
    unsafe SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(clientCA))
    unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
  }

  deinit { unsafe SSL_CTX_free(context) }
}

/// One connection's TLS.
@safe final class TLSSession {
  private let session: OpaquePointer

  /// Does the handshake.
  init(_ server: TLSServer, _ descriptor: Int32) throws(ClientGone) {
    ERR_clear_error()
    guard let session = unsafe SSL_new(server.context) else { throw ClientGone() }
    unsafe self.session = session
    guard unsafe SSL_set_fd(session, descriptor) == 1, unsafe SSL_accept(session) == 1 else {
      throw ClientGone()
    }
  }

  deinit { unsafe SSL_free(session) }

  /// The number of bytes, 0 when the client has closed, -1 for a connection that broke.
  func read(_ space: UnsafeMutableRawBufferPointer) -> Int {
    ERR_clear_error()
    let count = unsafe SSL_read(session, space.baseAddress, Int32(space.count))
    if count > 0 { return Int(count) }
    return unsafe SSL_get_error(session, count) == SSL_ERROR_ZERO_RETURN ? 0 : -1
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard unsafe !bytes.isEmpty else { return true }
    ERR_clear_error()
    return unsafe SSL_write(session, bytes.baseAddress, Int32(bytes.count)) == bytes.count
  }

  /// SHA-256 (hex) of the verified client certificate's DER; `nil` without one.
  var clientFingerprint: String? {
    guard let certificate = unsafe SSL_get1_peer_certificate(session) else { return nil }
    defer { unsafe X509_free(certificate) }
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard unsafe X509_digest(certificate, EVP_sha256(), &digest, &length) == 1 else { return nil }
    return Digests.hex(digest.prefix(Int(length)))
  }
}
