// What `--help` says beyond the usage line: every variable and every exit status.

internal import Backup

enum Help {
  static var discussion: String {
    """
    Everything is configured through the environment.

    \(variables)

    The usual http_proxy, https_proxy and no_proxy hold for the blob endpoint only.

    \(exitStatuses(of: ExitStatus.allCases.filter(\.isOfRun).map { ($0, $0.meaning) }))
    """
  }

  /// The statuses that mean the same for most commands.
  static let usualStatuses: [(status: ExitStatus, meaning: String)] = [
    (.usage, ExitStatus.usage.meaning), (.configuration, ExitStatus.configuration.meaning),
    (.terminated, "stopped by a signal"),
  ]

  /// What a command's exit statuses mean, one line each.
  static func exitStatuses(of meanings: [(status: ExitStatus, meaning: String)]) -> String {
    let lines = meanings.map { status, meaning in
      let number = String(status.rawValue)
      return number + String(repeating: " ", count: 5 - number.count) + meaning
    }
    return (["EXIT STATUS:"] + lines).joined(separator: "\n")
  }

  /// The variables that a command reads which only needs the way to the stored backups.
  static let storeVariables = """
    Needs APP_ABS_CONTAINER_NAME, APP_BLOB_PREFIX, APP_ABS_SECRET_NAME or what takes
    its place, APP_WORKING_NAMESPACE where a Secret or a ConfigMap is named, and of
    all other variables only those that it uses; neither etcd nor its variables.
    etcd-backup --help describes them all.
    """

  /// Where a command that reads encrypted backups looks for identities.
  static let identities = """
    An encrypted backup is decrypted with whichever identity fits: of the files that
    --identity names, of the Secret APP_BACKUP_IDENTITY_SECRET, and of the files in
    the folder APP_BACKUP_IDENTITY_DIRECTORY.
    """

  private static var variables: String {
    Variable.all.map { variable in
      let standing =
        switch variable.defaultValue {
        case .required: "required"
        case .none(let meaning): "default: \(meaning)"
        case .value(let text): "default: \(text)"
        }
      return "\(variable.name)\n" + wrapped("\(variable.summary) (\(standing))")
    }.joined(separator: "\n")
  }

  /// Indented lines of at most 79 columns, so that ArgumentParser does not wrap them again.
  private static func wrapped(_ text: String) -> String {
    let indent = "    "
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let line = lines.last, line.count + 1 + word.count <= 79 {
        lines[lines.count - 1] = "\(line) \(word)"
      } else {
        lines.append(indent + word)
      }
    }
    return lines.joined(separator: "\n")
  }
}
