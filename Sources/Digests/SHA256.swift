// SHA-256 over bytes that arrive in pieces, computed by OpenSSL.

internal import COpenSSL

/// One running SHA-256: made in `init`, fed with `update`, consumed by `finish`.
///
/// ```swift
/// var running = SHA256()
/// running.update(bytes)
/// "\(running.finish())"  // as sha256sum prints it
/// ```
@safe package struct SHA256: ~Copyable {
  private let context: OpaquePointer

  package init() {
    guard let context = unsafe EVP_MD_CTX_new(),
      unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    else {
      // Memory is exhausted, or OpenSSL has no provider of SHA-256. Ending here is safe: a snapshot is
      // committed, and a download gets its name, only after its SHA-256 was computed and compared; inspect only reads.
      fatalError("OpenSSL could not start a SHA-256: is OPENSSL_CONF set to something unusual?")
    }
    unsafe self.context = context
  }

  private init(copying other: OpaquePointer) {
    self.init()
    // Safe for the same reason as in `init`, as are those below.
    let status = unsafe EVP_MD_CTX_copy_ex(context, other)
    precondition(status == 1, "OpenSSL could not copy a SHA-256")
  }

  deinit {
    unsafe EVP_MD_CTX_free(context)
  }

  /// A second SHA-256 that has seen the same bytes and goes its own way from here.
  package borrowing func copy() -> SHA256 {
    unsafe SHA256(copying: context)
  }

  package mutating func update(_ bytes: RawSpan) {
    let status = unsafe bytes.withUnsafeBytes {
      unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)
    }
    precondition(status == 1, "OpenSSL refused bytes for a SHA-256")
  }

  package consuming func finish() -> SHA256Digest {
    var bytes = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
    let status = unsafe EVP_DigestFinal_ex(context, &bytes, nil)
    precondition(status == 1, "OpenSSL could not finish a SHA-256")
    return SHA256Digest(unchecked: bytes)
  }

  /// The SHA-256 of bytes that are all there.
  package static func digest(of bytes: [UInt8]) -> SHA256Digest {
    var running = SHA256()
    unsafe running.update(bytes.span.bytes)
    return running.finish()
  }
}

/// A finished SHA-256: 32 bytes, printed as 64 lower-case hex digits.
package struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
  package static let byteCount = 32

  package let bytes: [UInt8]

  fileprivate init(unchecked bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Returns `nil` unless there are exactly 32 bytes.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// Returns `nil` unless `hex` is exactly 64 hex digits.
  package init?(hex: String) {
    let digits = hex.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == 2 * Self.byteCount else { return nil }
    var bytes: [UInt8] = []
    for pair in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[pair], let low = digits[pair + 1] else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    self.bytes = bytes
  }

  package var description: String { Hex.lowercase(bytes) }
}

package enum OpenSSL {
  /// Of the library that is loaded, such as `3.0.17`.
  package static var version: String {
    unsafe String(cString: OpenSSL_version(OPENSSL_VERSION_STRING))
  }
}
