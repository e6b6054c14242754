// Where random bytes come from.

internal import COpenSSL

/// A source of random bytes. Outside of tests there is one: `SystemRandom`.
package protocol RandomBytes {
  mutating func fill(_ bytes: inout SecretBytes) throws(OpenSSLError)
}

/// OpenSSL's generator, which the kernel seeds.
package struct SystemRandom: RandomBytes {
  package init() {}

  package func fill(_ bytes: inout SecretBytes) throws(OpenSSLError) {
    let status = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe RAND_bytes(buffer.baseAddress, Int32(buffer.count))
    }
    try OpenSSLError.check(status, "RAND_bytes")
  }
}
