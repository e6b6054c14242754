/// `etcd-backup verify`: stored backups read back and proven whole, without using disk.

internal import ArgumentParser
internal import Backup

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read stored backups back and prove them whole.",
    discussion: """
      \(Help.storeVariables)
      """)

  @Argument(help: "ULID, PREFIX/ULID or CONTAINER/PREFIX/ULID (default: the recorded backup).")
  var backup: String?

  func run() throws {
    try Session.withStore(failing: "not verified", needingRecord: backup == nil) { _, store in
      _ = try store.verify(try store.path(of: backup))
      return .success
    }
  }
}
