// The command line, without a package: one that parses arguments takes longer to build than all of the sandbox.

import Foundation

/// What the command line says.
struct Options {
  var state = ""
  let sharedKey: SharedKey
  var blobPort = 0
  var blobTLSPort: Int?
  var kubernetesPort = 0
  var certificate: String?
  var key: String?
  var clientCA: String?
  var faults: String?
  var hasKubernetes = true
  var discardsData = false

  static let help = """
    usage: sandbox --state DIR [OPTION...]

    Stands in for Azure Blob Storage and the Kubernetes API, on 127.0.0.1 only. State survives a
    restart, or SIGKILL. When every port listens, ready.json appears in the state folder. SIGHUP
    reads the blobs from disk again. Faults are scripted in faults.json; every request leaves a
    line in requests.jsonl.

      --state DIR             the folder for all state; required
      --account NAME          the storage account (default: devstoreaccount1)
      --account-key KEY       its key in base64 (default: the emulators' public one)
      --blob-port PORT        the port of the blob service (default: 0, a free one)
      --blob-tls-port PORT    serves the blobs over TLS too, on this port
      --kubernetes-port PORT  the port of the Kubernetes API (default: 0, a free one)
      --certificate FILE      the certificate chain of the TLS ports, PEM
      --key FILE              the private key of the TLS ports, PEM
      --client-ca FILE        a CA, PEM, whose client certificates the Kubernetes API accepts
      --faults FILE           the scripted faults (default: faults.json in the state folder)
      --no-kubernetes         leaves the Kubernetes API out
      --discard-data          keeps no bytes of any block, only their number: for measuring uploads

    """

  /// A command line that is not understood.
  struct UsageError: Error, CustomStringConvertible {
    let description: String
  }

  /// Takes the arguments without the program's name.
  init(_ arguments: [String]) throws(UsageError) {
    var account = "devstoreaccount1"
    var accountKey =
      "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    var rest = arguments[...]
    while let name = rest.popFirst() {
      func value() throws(UsageError) -> String {
        guard let value = rest.popFirst() else {
          throw UsageError(description: "\(name) needs a value")
        }
        return value
      }
      func port() throws(UsageError) -> Int {
        guard let port = UInt16(try value()) else {
          throw UsageError(description: "\(name) needs a port number")
        }
        return Int(port)
      }
      switch name {
      case "--state": state = try value()
      case "--account": account = try value()
      case "--account-key": accountKey = try value()
      case "--blob-port": blobPort = try port()
      case "--blob-tls-port": blobTLSPort = try port()
      case "--kubernetes-port": kubernetesPort = try port()
      case "--certificate": certificate = try value()
      case "--key": key = try value()
      case "--client-ca": clientCA = try value()
      case "--faults": faults = try value()
      case "--no-kubernetes": hasKubernetes = false
      case "--discard-data": discardsData = true
      default: throw UsageError(description: "unknown option: \(name)")
      }
    }
    guard !state.isEmpty else { throw UsageError(description: "--state is missing") }
    guard (certificate == nil) == (key == nil) else {
      throw UsageError(description: "--certificate and --key go together")
    }
    guard certificate != nil || (!hasKubernetes && blobTLSPort == nil) else {
      throw UsageError(
        description: "TLS ports need --certificate and --key; --no-kubernetes needs none")
    }
    guard let sharedKey = SharedKey(account: account, encodedKey: accountKey) else {
      throw UsageError(description: "--account-key is not base64")
    }
    self.sharedKey = sharedKey
  }
}
