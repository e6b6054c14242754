// Whether a run talks to Kubernetes at all.

internal import Azure

/// Where neither a Secret nor a ConfigMap is named, no API is contacted. In a pod that must be meant:
/// a misspelt name would mean a backup that is never recorded.
enum KubernetesUse {
  /// Of these, each one that is set means that Kubernetes is used.
  private static let names: [Variable] = [
    .accountSecret, .tlsSecret, .credentialsSecret, .identitySecret, .recordConfigMap,
  ]

  private static func isNamed(_ reader: EnvironmentReader) -> Bool {
    names.contains { reader.isSet($0) }
  }

  static func isUsed(_ reader: EnvironmentReader) -> Bool {
    (try? reader.text(of: .kubernetes).map(ConfigurationValue.onOrOff)) ?? isNamed(reader)
  }

  /// Complains of any mixture.
  static func check(_ reader: inout EnvironmentReader) {
    let isNamed = isNamed(reader)
    switch reader.optional(.kubernetes, ConfigurationValue.onOrOff) {
    case true?: break
    case false?:
      for variable in names + [.kubeconfig] {
        guard let value = reader.text(of: variable) else { continue }
        reader.complain(
          variable, InvalidValue(value, expected: "allowed with APP_KUBERNETES=off"))
      }
    case nil:
      if !isNamed, let path = reader.text(of: .kubeconfig) {
        reader.complain(
          .kubeconfig,
          InvalidValue(
            path, expected: "of any use where neither a Secret nor a ConfigMap is named: name them")
        )
      }
      if !isNamed, reader.isInPod {
        reader.complain(
          .kubernetes,
          InvalidValue(
            "",
            expected: "set, and this pod names neither a Secret nor a ConfigMap: name them, or "
              + "set off where no record is meant"))
      }
    }
  }
}
