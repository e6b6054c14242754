// A certificate, which is its own authority, and its key, made by `openssl` for one test.

import Foundation

package struct TestCertificate: Sendable {
  package let certificate: String
  /// PKCS#8.
  package let key: String

  package static let rsa = TestCertificate(["-newkey", "rsa:2048"])
  package static let ec = TestCertificate([
    "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
  ])
  package static let ed25519 = TestCertificate(["-newkey", "ed25519"])
  /// Of the same kind as `ec`.
  package static let other = TestCertificate([
    "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
  ])
  /// With a key that OpenSSL finds too weak for a connection.
  package static let weak = TestCertificate(["-newkey", "rsa:1024"])

  /// Valid for 30 days.
  private init(_ newKey: [String]) {
    let pem = Self.openssl(
      ["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=test", "-keyout", "-"] + newKey)
    let start = pem.range(of: "-----BEGIN CERTIFICATE-----")?.lowerBound ?? pem.startIndex
    key = String(pem[..<start])
    certificate = String(pem[start...])
  }

  /// What `openssl` writes to standard output.
  package static func openssl(_ arguments: [String], input: String = "") -> String {
    let process = Process()
    let (source, sink) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    process.standardInput = source
    process.standardOutput = sink
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
      try source.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try source.fileHandleForWriting.close()
    } catch {
      return ""
    }
    let output = sink.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: output, as: UTF8.self)
  }
}
