// A real TLS server, `openssl s_server`, that serves the files of a folder as whole HTTP answers.

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

  private(set) var port = ""
  private let process: Process
  private let input = Pipe()
  private let output = Pipe()

  /// Serves `folder`; with `clientAuthority`, only clients whose certificate that one signed.
  init(_ pair: KeyPair, serving folder: TemporaryFolder, clientAuthority: String? = nil) throws {
    var arguments = Self.arguments(pair) + ["-HTTP"]
    if let clientAuthority {
      arguments += ["-Verify", "1", "-verify_return_error", "-CAfile", clientAuthority]
    }
    process = try Self.openssl(arguments, folder: folder.path, output: output)
    try readPort()
  }

  /// Says just this to whoever connects, and prints what comes; see `readOutput(upTo:)`.
  init(_ pair: KeyPair, saying answer: String) throws {
    process = try Self.openssl(Self.arguments(pair), input: input, output: output)
    try input.fileHandleForWriting.write(contentsOf: Data(answer.utf8))
    try readPort()
  }

  private static func arguments(_ pair: KeyPair) -> [String] {
    ["s_server", "-accept", "127.0.0.1:0", "-cert", pair.certificate, "-key", pair.key]
  }

  private func readPort() throws {
    _ = readOutput(upTo: "ACCEPT 127.0.0.1:")
    port = try #require(readOutput(upTo: "\n").split(separator: "\n").last.map { "\($0)" })
  }

  /// What the server prints, up to and including `mark`, or until it ends.
  func readOutput(upTo mark: String) -> String {
    var bytes: [UInt8] = []
    while !bytes.suffix(mark.utf8.count).elementsEqual(mark.utf8) {
      let byte = output.fileHandleForReading.readData(ofLength: 1)
      if byte.isEmpty { break }
      bytes += byte
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  deinit {
    // Test threads block SIGTERM, and their child processes inherit that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  private static func openssl(
    _ arguments: [String], folder: String? = nil, input: Pipe? = nil, output: Pipe? = nil
  ) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.standardInput = input ?? FileHandle.nullDevice
    process.standardOutput = output ?? FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }
}
