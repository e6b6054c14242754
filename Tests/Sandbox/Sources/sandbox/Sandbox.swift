// The command: starts the services on free ports, says where, and ends when told to.

import ArgumentParser
import Foundation

/// The sandbox's command line.
@main struct Sandbox: ParsableCommand {
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

  func run() throws {
    // Before the first thread, which would take the signals otherwise.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for signal in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&signals, signal) }
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    // A client that does not read its answer is an error of `write`, not the end.
    signal(SIGPIPE, SIG_IGN)

    try Files.makeFolder(state)
    let readyFile = "\(state)/ready.json"
    try Files.remove(readyFile)
    let blobs = try BlobStore(folder: "\(state)/blobs", discardsData: discardData)
    var ready = try start(blobs)
    try Files.replace(readyFile, encoding: ready)

    var number: Int32 = 0
    while unsafe sigwait(&signals, &number) == 0, number == SIGHUP {
      try blobs.reload()
      ready.reloads += 1
      try Files.replace(readyFile, encoding: ready)
    }
    try Files.remove(readyFile)
    // Every state is whole on disk at any time, so ending is just leaving, whatever other threads do.
    _exit(0)
  }

  /// Opens the ports.
  private func start(_ blobs: BlobStore) throws -> Ready {
    let script = FaultScript(file: faults ?? "\(state)/faults.json")
    let log = try RequestLog(file: "\(state)/requests.jsonl")
    let blob = Exchange(
      service: BlobService(key: try sharedKey(), store: blobs), faults: script, log: log)

    var ready = Ready(pid: ProcessInfo.processInfo.processIdentifier)
    let blobPort = try Listener(blob, port: blobPort).port
    ready.blob = "http://127.0.0.1:\(blobPort)/\(account)"
    guard let certificate, let key else { return ready }
    if let blobTLSPort {
      let tls = try TLSServer(certificate: certificate, key: key, clientCA: nil)
      let port = try Listener(blob, port: blobTLSPort, tls: tls).port
      ready.blobTLS = "https://127.0.0.1:\(port)/\(account)"
    }
    if !noKubernetes {
      let tls = try TLSServer(certificate: certificate, key: key, clientCA: clientCA)
      let objects = try ObjectStore(folder: "\(state)/kubernetes")
      let kubernetes = Exchange(
        service: KubernetesService(objects: objects), faults: script, log: log)
      let port = try Listener(kubernetes, port: kubernetesPort, tls: tls).port
      ready.kubernetes = "https://127.0.0.1:\(port)"
    }
    return ready
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
