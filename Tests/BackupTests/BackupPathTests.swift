// Naming a stored backup: by its name, with its prefix, or by its whole path.

import Azure
import Backup
import Testing

@Suite struct `The path of a backup` {
  static let name = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

  static func store(
    container: String = "backups", prefix: String = "prod"
  ) throws -> StoreConfiguration {
    try StoreConfiguration(
      environment: [
        "APP_WORKING_NAMESPACE": "ns", "APP_ABS_SECRET_NAME": "secret",
        "APP_ABS_CONTAINER_NAME": container, "APP_BLOB_PREFIX": prefix,
      ]
    ) { _ in [] }
  }

  @Test(arguments: [
    "backups/prod/\(name)", "backups/a/b/c/\(name)", "backups/service-catalog/\(name)",
  ])
  func `is read as the record writes it`(text: String) throws {
    let path = try BackupPath(text)
    #expect(path.description == text)
    #expect(path.container.description == "backups")
    #expect("backups/\(path.blob)" == text)
    #expect(path.name.description == Self.name)
  }

  @Test(arguments: [
    (name, "backups/prod/\(name)"), ("prod/\(name)", "backups/prod/\(name)"),
    ("other/\(name)", "backups/other/\(name)"),
    ("backups/prod/\(name)", "backups/prod/\(name)"),
    ("elsewhere/prod/\(name)", "elsewhere/prod/\(name)"),
    ("elsewhere/a/b/\(name)", "elsewhere/a/b/\(name)"),
  ])
  func `is completed from the configuration`(typed: String, path: String) throws {
    #expect(try BackupPath(typed, in: Self.store()).description == path)
  }

  @Test(arguments: [
    ("a/b/\(name)", "backups/a/b/\(name)"), ("backups/a/b/\(name)", "backups/a/b/\(name)"),
    ("a/\(name)", "backups/a/\(name)"), ("other/x/\(name)", "other/x/\(name)"),
  ])
  func `knows a configured prefix with slashes from a container`(typed: String, path: String) throws
  {
    #expect(try BackupPath(typed, in: Self.store(prefix: "a/b")).description == path)
  }

  @Test func `takes a prefix that begins like the container for the prefix`() throws {
    let store = try Self.store(container: "backups", prefix: "backups/x")
    #expect(
      try BackupPath("backups/x/\(Self.name)", in: store).description
        == "backups/backups/x/\(Self.name)")
  }

  @Test(arguments: [
    "", "/", name, "/\(name)", "prod/\(name)", "//\(name)", "backups//\(name)",
    "backups/prod/", "backups/prod/x", "backups/prod/\(name)x", "backups/prod/\(name.dropLast())",
    "backups/prod/\(name.lowercased())", "No/prod/\(name)", "backups/../\(name)",
    "backups/prod/\(name)/",
  ])
  func `is refused where it is not one`(text: String) {
    #expect(throws: InvalidValue.self) { try BackupPath(text) }
  }

  @Test(arguments: ["", "x", "\(name)x", "prod/", "prod/\(name)/", "\(name.lowercased())"])
  func `cannot be typed without a name at its end`(text: String) throws {
    #expect(!BackupPath.isPath(text))
    let store = try Self.store()
    #expect(throws: InvalidValue.self) { try BackupPath(text, in: store) }
  }
}
