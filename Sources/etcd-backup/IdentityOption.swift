// `--identity`: the files whose identities decrypt a backup.

internal import ArgumentParser
internal import Backup

struct IdentityOption: ParsableArguments {
  @Option(
    name: .customLong("identity"),
    help: ArgumentHelp(
      "A file with identities of age, for an encrypted backup; may be repeated.", valueName: "file"),
    completion: .file())
  var files: [String] = []

  /// The message never repeats what may be a private key.
  func validate() throws {
    guard files.contains(where: Identities.isIdentity) else { return }
    throw ValidationError("--identity takes the name of a file, not an identity.")
  }
}
