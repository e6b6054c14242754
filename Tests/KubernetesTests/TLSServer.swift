/// A real TLS server, `openssl s_server`, that serves the files of a folder as whole HTTP answers.

import Foundation
import Testing

final class TLSServer {
  /// A certificate, which is its own authority, and its key.
  struct KeyPair {
    let certificate: String
    let key: String

    /// `name` as OpenSSL writes a subjectAltName: `DNS:kubernetes`, `IP:127.0.0.1`.
    init(for name: String, in folder: TemporaryFolder) throws {
      let base = "\(folder.path)/\(UUID())"
      certificate = "\(base).crt"
      key = "\(base).key"
      let openssl = try TLSServer.openssl([
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=\(name)",
        "-keyout", key, "-out", certificate,
      ])
      openssl.waitUntilExit()
      try #require(openssl.terminationStatus == 0)
    }
  }

  let port: String
  private let process: Process

  /// Serves `folder`; with `clientAuthority`, only clients whose certificate that one signed.
  init(_ pair: KeyPair, serving folder: TemporaryFolder, clientAuthority: String? = nil) throws {
    var arguments = [
      "s_server", "-HTTP", "-accept", "127.0.0.1:0", "-cert", pair.certificate, "-key", pair.key,
    ]
    if let clientAuthority {
      arguments += ["-Verify", "1", "-verify_return_error", "-CAfile", clientAuthority]
    }
    let output = Pipe()
    process = try Self.openssl(arguments, folder: folder.path, output: output)
    var text = ""
    while !text.contains("ACCEPT") || !text.hasSuffix("\n") {
      let piece = output.fileHandleForReading.availableData
      if piece.isEmpty { break }
      text += String(decoding: piece, as: UTF8.self)
    }
    port = try #require(
      text.split(whereSeparator: { $0 == ":" || $0 == "\n" }).last.map { "\($0)" })
  }

  deinit {
    // Test threads block SIGTERM, and their child processes inherit that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  private static func openssl(
    _ arguments: [String], folder: String? = nil, output: Pipe? = nil
  ) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output ?? FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }
}
