// Where the values of a Secret come from: for each purpose one place is named, never two.

internal import Azure

package enum SecretPlace: Equatable, Sendable {
  /// A Secret of the working namespace, which is read through the API.
  case secret(String)
  /// A folder with one file for each key: a mounted Secret, or what an agent or a driver puts there.
  case folder(String)
  /// The variables of Microsoft's own tools.
  case variables(MicrosoftVariables)
}

extension SecretPlace: CustomStringConvertible {
  /// Without its kind.
  var name: String {
    switch self {
    case .secret(let name): name
    case .folder(let path): path
    case .variables(let variables): "\(variables)"
    }
  }

  package var description: String {
    switch self {
    case .secret(let name): "secret \(name)"
    case .folder(let path): "folder \(path)"
    case .variables: "variables of Microsoft's tools"
    }
  }
}

/// What Microsoft's own tools read from the environment. Printing it in any way shows names only.
package struct MicrosoftVariables: Equatable, Sendable {
  /// By the key of a Secret: the variable, and its value.
  private let values: [String: (variable: String, text: String)]

  /// The variables, and the keys of the Secret that they stand for.
  static let names: [(key: String, variable: Variable)] = [
    ("storage-account", .azureAccount), ("storage-key", .azureKey), ("sas-token", .azureSAS),
    ("connection-string", .azureConnectionString), ("client-secret", .azureClientSecret),
    ("client-certificate", .azureClientCertificate),
  ]

  init(_ reader: EnvironmentReader) {
    var values: [String: (variable: String, text: String)] = [:]
    for (key, variable) in Self.names {
      if let text = reader.text(of: variable) { values[key] = (variable.name, text) }
    }
    self.values = values
  }

  var keys: [String] { values.keys.sorted() }
  func text(_ key: String) -> String? { values[key]?.text }

  /// The variable that stands for a key.
  func name(of key: String) -> String {
    Self.names.first { $0.key == key }?.variable.name ?? key
  }

  package static func == (one: Self, other: Self) -> Bool {
    one.values.mapValues(\.text) == other.values.mapValues(\.text)
  }
}

extension MicrosoftVariables: CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  package var description: String {
    Self.names.map(\.variable.name).filter { name in values.values.contains { $0.variable == name }
    }
    .joined(separator: ", ")
  }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

extension EnvironmentReader {
  /// The Secret or the folder that is named; `nil` where neither is, or after a complaint.
  mutating func place(_ secret: Variable, _ folder: Variable) -> SecretPlace? {
    let name = optional(secret, ConfigurationValue.objectName)
    let path = optional(folder) { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    if isSet(secret), let path {
      complain(
        folder,
        InvalidValue(path, expected: "allowed beside \(secret.name): name a Secret or a folder"))
    }
    return path.map { .folder($0) } ?? name.map { .secret($0) }
  }

  /// The place of the storage account, which there must be.
  mutating func accountPlace(for kind: StorageAuthentication?) -> SecretPlace? {
    if isSet(.accountSecret) || isSet(.accountFolder) {
      return place(.accountSecret, .accountFolder)
    }
    let variables = MicrosoftVariables(self)
    guard !variables.keys.isEmpty else {
      complainIfMissing(.accountSecret)
      return nil
    }
    switch kind {
    case .connectionString?: complainIfMissing(.azureConnectionString)
    case .sharedKey?:
      complainIfMissing(.azureAccount)
      complainIfMissing(.azureKey)
    case .sas?:
      complainIfMissing(.azureAccount)
      complainIfMissing(.azureSAS)
    case .servicePrincipal?:
      complainIfMissing(.azureAccount)
      if !isSet(.azureClientCertificate) { complainIfMissing(.azureClientSecret) }
    case .workloadIdentity?, .managedIdentity?: complainIfMissing(.azureAccount)
    case nil: break
    }
    return .variables(variables)
  }
}
