// What can be wrong with a kubeconfig: where in it, and what was expected there.

package import Certificates

package enum KubeconfigFault: Error, Equatable {
  case unreadable(reason: String)
  /// `problem` is the YAML reader's, without a word of the file.
  case notYAML(problem: String, line: Int?)
  case noCurrentContext(present: [String])
  /// Something refers to an entry that is not there.
  case noSuchEntry(KubeconfigEntry, present: [String])
  /// Something that belongs to no entry.
  case malformed(String, expected: String)
  /// Two entries of a kind have this name.
  case twice(KubeconfigEntry)
  /// A field is there both as a file and as data.
  case both(KubeconfigEntry, field: String)
  case missingField(KubeconfigEntry, field: String)
  /// The value itself is never shown: it may be a password.
  case malformedField(KubeconfigEntry, field: String, expected: String)
  case unusableFile(KubeconfigEntry, field: String, path: String, reason: String)
  case certificate(KubeconfigEntry, CertificateFault)
  /// One of a client certificate and its key is there without the other.
  case halfAnIdentity(KubeconfigEntry, missing: String)
  case verificationBothOnAndOff(KubeconfigEntry)
  case plainHTTP(KubeconfigEntry)
  case unsupported(KubeconfigEntry, field: String)
  /// It would be run, but that is switched off.
  case forbiddenPlugin(KubeconfigEntry)
  /// It needs a person at a terminal.
  case interactivePlugin(KubeconfigEntry)
}

/// A named part of a kubeconfig.
package struct KubeconfigEntry: Sendable, Equatable, CustomStringConvertible {
  package enum Kind: String, Sendable {
    case context, cluster, user
  }

  package let kind: Kind
  package let name: String

  package init(kind: Kind, name: String) {
    self.kind = kind
    self.name = name
  }

  package var description: String { "\(kind.rawValue) \"\(name)\"" }
}

extension KubeconfigFault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreadable(let reason): reason
    case .notYAML(let problem, let line?): "not YAML at line \(line): \(problem)"
    case .notYAML(let problem, nil): "not YAML: \(problem)"
    case .noCurrentContext: "current-context is not set"
    case .noSuchEntry(let entry, _): "there is no \(entry)"
    case .malformed(let field, let expected): "\(field) is not \(expected)"
    case .twice(let entry): "there is more than one \(entry)"
    case .both(let entry, let field): "\(entry): both \(field) and \(field)-data are set"
    case .missingField(let entry, let field): "\(entry): \(field) is not set"
    case .malformedField(let entry, let field, let expected):
      "\(entry): \(field) is not \(expected)"
    case .unusableFile(let entry, let field, let path, let reason):
      "\(entry): \(field) names \(path), and \(reason)"
    case .certificate(let entry, let fault): "\(entry): \(fault)"
    case .halfAnIdentity(let entry, let missing):
      "\(entry): \(missing) is missing next to its counterpart"
    case .verificationBothOnAndOff(let entry):
      "\(entry): insecure-skip-tls-verify is set together with a certificate-authority"
    case .plainHTTP(let entry):
      "\(entry): server is an http URL of another machine"
    case .unsupported(let entry, let field):
      "\(entry): \(field) is not supported"
    case .forbiddenPlugin(let entry):
      "\(entry): exec names a program, and to run one is switched off"
    case .interactivePlugin(let entry):
      "\(entry): exec names a program that needs a terminal (interactiveMode is Always)"
    }
  }
}
