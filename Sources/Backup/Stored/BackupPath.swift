// Where one backup lies: `{container}/{prefix}/{ULID}`, as the record names it.

package import Azure

package struct BackupPath: Hashable, Sendable {
  package let container: ContainerName
  /// Without a slash at its end.
  package let prefix: String
  package let name: ULID
  package let blob: BlobName

  package init(
    container: ContainerName, prefix: String, name: ULID
  ) throws(InvalidValue) {
    let parts = prefix.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty }) else {
      throw InvalidValue(
        "\(prefix)/\(name)", expected: "the name of a backup: no part between slashes is empty")
    }
    self.container = container
    self.prefix = prefix
    self.name = name
    blob = try BlobName("\(prefix)/\(name)")
  }

  /// Reads a whole path: its first part is the container, its last the backup's name.
  package init(_ text: String) throws(InvalidValue) {
    guard let first = text.firstIndex(of: "/"), let last = text.lastIndex(of: "/"), first < last,
      let name = ULID(text[text.index(after: last)...])
    else {
      throw InvalidValue(text, expected: "the path of a backup: {container}/{prefix}/{ULID}")
    }
    self = try BackupPath(
      container: ContainerName(String(text[..<first])),
      prefix: String(text[text.index(after: first)..<last]), name: name)
  }

  /// Whether `text` ends like the name of a backup, whatever stands before.
  package static func isPath(_ text: String) -> Bool {
    text.split(separator: "/", omittingEmptySubsequences: false).last.flatMap { ULID($0) } != nil
  }

  /// Parses an argument: a name alone, a prefix and a name, or a whole path; what is left
  /// out is the configuration's.
  ///
  /// A configured prefix may hold slashes, so it is looked for before a container is.
  package init(_ text: String, in store: StoreConfiguration) throws(InvalidValue) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let last = parts.last, let name = ULID(last) else {
      throw InvalidValue(
        text,
        expected: "the name of a backup: 26 characters such as 01ARZ3NDEKTSV4RRFFQ69G5FAV, "
          + "or its prefix or container and prefix before them")
    }
    let folder = parts.dropLast().joined(separator: "/")
    switch parts.count {
    case 1:
      self = try BackupPath(container: store.container, prefix: store.blobPrefix, name: name)
    case _ where folder == store.blobPrefix, 2:
      self = try BackupPath(container: store.container, prefix: folder, name: name)
    default:
      self = try BackupPath(text)
    }
  }
}

extension BackupPath: CustomStringConvertible {
  package var description: String { "\(container)/\(blob)" }
}
