// The command: starts the services on free ports, says where, and ends when told to.

import Foundation

@main enum Sandbox {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.contains("--help") { return print(Options.help, terminator: "") }
    do {
      try run(Options(arguments))
    } catch let error as Options.UsageError {
      fail("\(error)\n\n\(Options.help)", status: EX_USAGE)
    } catch {
      fail("\(error)\n", status: EXIT_FAILURE)
    }
  }

  private static func fail(_ message: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data("sandbox: \(message)".utf8))
    exit(status)
  }

  private static func run(_ options: Options) throws {
    // Before the first thread, which would take the signals otherwise.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for signal in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&signals, signal) }
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    // A client that does not read its answer is an error of `write`, not the end.
    signal(SIGPIPE, SIG_IGN)

    try Files.makeFolder(options.state)
    let readyFile = "\(options.state)/ready.json"
    try Files.remove(readyFile)
    let blobs = try BlobStore(
      folder: "\(options.state)/blobs", discardsData: options.discardsData)
    var ready = try start(options, blobs)
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
  private static func start(_ options: Options, _ blobs: BlobStore) throws -> Ready {
    let state = options.state
    let script = FaultScript(
      file: options.faults ?? "\(state)/faults.json",
      held: try RequestLog(file: "\(state)/held.jsonl"))
    let log = try RequestLog(file: "\(state)/requests.jsonl")
    let identities = "\(state)/identities.json"
    let accountKeys = "\(state)/account-keys.json"
    let blob = Exchange(
      service: BlobService(
        key: options.sharedKey, store: blobs, identities: identities, accountKeys: accountKeys),
      faults: script, log: log)

    var ready = Ready(pid: ProcessInfo.processInfo.processIdentifier)
    let blobPort = try Listener(blob, port: options.blobPort).port
    ready.blob = "http://127.0.0.1:\(blobPort)/\(options.sharedKey.account)"
    guard let certificate = options.certificate, let key = options.key else { return ready }
    if let tlsPort = options.blobTLSPort {
      let tls = try TLSServer(certificate: certificate, key: key, clientCA: nil)
      let encrypted = Exchange(
        service: BlobService(
          key: options.sharedKey, store: blobs, isEncrypted: true, identities: identities,
          accountKeys: accountKeys),
        faults: script, log: log)
      let port = try Listener(encrypted, port: tlsPort, tls: tls).port
      ready.blobTLS = "https://127.0.0.1:\(port)/\(options.sharedKey.account)"
    }
    let issuer = IdentityService(file: identities, key: options.sharedKey.bytes)
    let tls = try TLSServer(certificate: certificate, key: key, clientCA: nil)
    let entra = Exchange(service: issuer, faults: script, log: log)
    ready.identity = "https://127.0.0.1:\(try Listener(entra, port: 0, tls: tls).port)"
    let metadata = Exchange(service: MetadataService(identity: issuer), faults: script, log: log)
    ready.imds = "http://127.0.0.1:\(try Listener(metadata, port: 0).port)"
    if options.hasKubernetes {
      let tls = try TLSServer(certificate: certificate, key: key, clientCA: options.clientCA)
      let objects = try ObjectStore(folder: "\(state)/kubernetes")
      let kubernetes = Exchange(
        service: KubernetesService(objects: objects), faults: script, log: log)
      let port = try Listener(kubernetes, port: options.kubernetesPort, tls: tls).port
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
  /// The token endpoint of Microsoft Entra ID, and that of the machine.
  var identity: String?
  var imds: String?
  /// How many SIGHUPs were obeyed.
  var reloads = 0
}
