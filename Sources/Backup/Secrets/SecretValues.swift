// The values of one Secret, whoever keeps them: Kubernetes, a folder, or Microsoft's own variables.

internal import Kubernetes

/// Printing it in any way shows its place only.
struct SecretValues {
  private enum Source {
    case secret(Secret)
    case folder(SecretFolder)
    case variables(MicrosoftVariables)
  }

  private let source: Source

  /// `cluster` is where Secrets are read; there is one wherever a Secret is named.
  init(_ place: SecretPlace, in cluster: Cluster?) throws(KubernetesError) {
    switch place {
    case .secret(let name):
      guard let cluster else {
        preconditionFailure("a Secret is named only where Kubernetes is used")
      }
      source = .secret(try cluster.secret(named: name))
    case .folder(let path): source = .folder(SecretFolder(path))
    case .variables(let variables): source = .variables(variables)
    }
  }

  /// The keys that there are, in order; what kubelet keeps in a folder for itself is none.
  func keys() throws(SecretValueError) -> [String] {
    switch source {
    case .secret(let secret): return secret.keys
    case .variables(let variables): return variables.keys
    case .folder(let folder): return try folder.keys()
    }
  }

  /// A value byte for byte.
  func bytes(_ key: String) throws -> [UInt8] {
    switch source {
    case .secret(let secret): return try secret.bytes(key)
    case .folder(let folder): return try folder.bytes(key)
    case .variables(let variables):
      guard let text = variables.text(key) else {
        throw SecretValueError.noVariable(variables.name(of: key))
      }
      return key == "client-certificate" ? try SecretFolder.file(text) : Array(text.utf8)
    }
  }

  /// A value as text, without what editors and shells leave around it.
  func text(_ key: String) throws -> String {
    if case .secret(let secret) = source { return try secret.text(key) }
    guard let text = String(validating: try bytes(key), as: UTF8.self) else {
      throw SecretValueError.noText(name(of: key))
    }
    let value = Secret.withoutResidue(text)
    guard !value.isEmpty else { throw SecretValueError.empty(name(of: key)) }
    return value
  }

  /// As messages call a value.
  func name(of key: String) -> String {
    switch source {
    case .secret(let secret): "\(key) of \(secret)"
    case .folder(let folder): "\(folder.path)/\(key)"
    case .variables(let variables): variables.name(of: key)
    }
  }
}

extension SecretValues: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  var description: String {
    switch source {
    case .secret(let secret): "\(secret)"
    case .folder(let folder): "the folder \(folder.path)"
    case .variables: "the variables of Microsoft's tools"
    }
  }
  var debugDescription: String { description }
  var customMirror: Mirror { Mirror(self, children: []) }
}
