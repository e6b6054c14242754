// The command: starts the services on free ports, says where, and ends when told to.

import ArgumentParser
import Foundation
import UnixSignals

/// The sandbox's command line.
@main struct Sandbox: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandbox",
    abstract: "Stands in for Azure Blob Storage and the Kubernetes API, on 127.0.0.1 only.",
    discussion: """
      State lives in the folder given by --state and survives a restart, or SIGKILL. When every
      port listens, ready.json appears there. SIGHUP reads the blobs from disk again. Faults are
      scripted in faults.json; every request leaves a line in requests.jsonl.
      """)

  @Option(help: "The folder for all state.")
  var state: String

  @Option(help: "The storage account's name.")
  var account = "devstoreaccount1"

  @Option(help: "The storage account's key in base64; by default the emulators' public one.")
  var accountKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

  @Option(help: "The port of the blob service; 0 takes a free one.")
  var blobPort = 0

  @Option(help: "Serves the blobs over TLS too, on this port; 0 takes a free one.")
  var blobTLSPort: Int?

  @Option(help: "The port of the Kubernetes API; 0 takes a free one.")
  var kubernetesPort = 0

  @Option(help: "The certificate chain of the TLS ports, a PEM file.")
  var certificate: String?

  @Option(help: "The private key of the TLS ports, a PEM file.")
  var key: String?

  @Option(help: "A CA, a PEM file, whose client certificates the Kubernetes API accepts.")
  var clientCA: String?

  @Option(help: "The scripted faults (default: faults.json in the state folder).")
  var faults: String?

  @Flag(help: "Leaves the Kubernetes API out.")
  var noKubernetes = false

  @Flag(help: "Keeps no bytes of any block, only their number: for measuring uploads.")
  var discardData = false

  func validate() throws {
    guard (certificate == nil) == (key == nil) else {
      throw ValidationError("--certificate and --key go together.")
    }
    guard certificate != nil || (noKubernetes && blobTLSPort == nil) else {
      throw ValidationError("TLS ports need --certificate and --key (or --no-kubernetes).")
    }
    _ = try sharedKey()
  }

  private func sharedKey() throws -> SharedKey {
    guard let key = SharedKey(account: account, encodedKey: accountKey) else {
      throw ValidationError("--account-key is not base64.")
    }
    return key
  }

  func run() async throws {
    try Files.makeFolder(state)
    let readyFile = "\(state)/ready.json"
    try Files.remove(readyFile)

    let blobs = try BlobStore(folder: "\(state)/blobs", discardsData: discardData)
    let script = FaultScript(file: faults ?? "\(state)/faults.json")
    let log = try RequestLog(file: "\(state)/requests.jsonl")
    let blobService = BlobService(key: try sharedKey(), store: blobs)

    var ready = Ready(pid: ProcessInfo.processInfo.processIdentifier)
    let listeners = Listeners()
    let blob = Exchange(service: blobService, faults: script, log: log)
    let blobPort = try await listeners.start(blob, port: blobPort)
    ready.blob = "http://127.0.0.1:\(blobPort)/\(account)"
    if let certificate, let key {
      let plain = try TLS.configuration(certificate: certificate, key: key, clientCA: nil)
      if let blobTLSPort {
        let port = try await listeners.start(blob, port: blobTLSPort, tls: plain)
        ready.blobTLS = "https://127.0.0.1:\(port)/\(account)"
      }
      if !noKubernetes {
        let tls = try TLS.configuration(certificate: certificate, key: key, clientCA: clientCA)
        let objects = try ObjectStore(folder: "\(state)/kubernetes")
        let kubernetes = Exchange(
          service: KubernetesService(objects: objects), faults: script, log: log,
          checksCertificates: clientCA != nil)
        let port = try await listeners.start(kubernetes, port: kubernetesPort, tls: tls)
        ready.kubernetes = "https://127.0.0.1:\(port)"
      }
    }
    try Files.replace(readyFile, encoding: ready)
    try await serve(blobs, &ready, readyFile)
  }

  /// Waits for signals; every state is whole on disk at any time, so ending is just leaving.
  private func serve(_ blobs: BlobStore, _ ready: inout Ready, _ readyFile: String) async throws {
    for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup) {
      guard signal == .sighup else { break }
      try blobs.reload()
      ready.reloads += 1
      try Files.replace(readyFile, encoding: ready)
    }
    try Files.remove(readyFile)
    Foundation.exit(0)
  }
}

/// `ready.json`: where the services listen.
struct Ready: Encodable {
  var pid: Int32
  var blob: String?
  var blobTLS: String?
  var kubernetes: String?
  /// How many SIGHUPs were obeyed.
  var reloads = 0
}
