// How backups are to be encoded, as the environment says it.

import Backup
import Encoding
import Testing

private let recipient1 = "age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh"
private let recipient2 = "age1xkq8943ktzqdrth2x2ddlyfp8qu9rmfp528rka0fvhgd9ngkvf2qu2snyf"
private let identity1 =
  "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG"

private let recipients = "APP_BACKUP_ENCRYPTION_RECIPIENTS"
private let recipientsFile = "APP_BACKUP_ENCRYPTION_RECIPIENTS_FILE"
private let compression = "APP_BACKUP_COMPRESSION"

/// All that is required, and what is changed.
private func configuration(_ changes: [String: String?] = [:]) throws(ConfigurationError)
  -> Configuration
{
  var environment = [
    "APP_WORKING_NAMESPACE": "kyma-system",
    "APP_BACKUP_ETCD_ENDPOINTS": "https://etcd-0.etcd:2379",
    "APP_ABS_CONTAINER_NAME": "backups",
    "APP_ABS_SECRET_NAME": "etcd-backup-abs-credentials",
    "APP_BLOB_PREFIX": "service-catalog",
    "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING": "sc-recorded-etcd-backup-data",
    "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "3",
    "APP_CLEANER_EXPIRATION_BLOB_TIME": "72h",
  ]
  for (name, value) in changes { environment[name] = value }
  return try Configuration(environment: environment) { path in
    let text =
      path == "/recipients" ? "# two\n\(recipient1)\n\n\(recipient2)\n" : "# one\n\(identity1)\n"
    return Array(text.utf8)
  }
}

private func mistakes(_ changes: [String: String?]) -> [String] {
  do throws(ConfigurationError) {
    _ = try configuration(changes)
    return []
  } catch {
    return error.mistakes.map(\.description)
  }
}

@Suite struct `Encryption and compression` {
  @Test func `are off by default, and where they are set to nothing`() throws {
    #expect(try configuration().encoding.isOff)
    #expect(
      try configuration([recipients: " ", recipientsFile: "", compression: ""]).encoding.isOff)
    #expect(try configuration([compression: "OFF"]).encoding.isOff)
  }

  @Test(arguments: [
    "\(recipient1),\(recipient2)", "\(recipient1) \(recipient2)\n",
    "\(recipient1), \(recipient2),\(recipient1)",
  ])
  func `take recipients between commas or blanks`(text: String) throws {
    #expect(
      try configuration([recipients: text]).encoding.recipients.map(\.text)
        == [recipient1, recipient2])
  }

  @Test func `take recipients from a file`() throws {
    #expect(
      try configuration([recipientsFile: "/recipients"]).encoding.recipients.map(\.text)
        == [recipient1, recipient2])
  }

  @Test func `refuse the list and the file together`() {
    let found = mistakes([recipients: recipient1, recipientsFile: "/recipients"])
    #expect(found.count == 1 && found[0].hasPrefix(recipientsFile) && found[0].contains("one of"))
  }

  @Test func `never repeat what may be a private key`() {
    for changes in [[recipients: "\(recipient1),\(identity1)"], [recipientsFile: "/identity"]] {
      let found = mistakes(changes)
      #expect(found.count == 1)
      #expect(found.allSatisfy { $0.contains("private key") && !$0.contains("QQQSYQ") })
    }
  }

  @Test(arguments: [
    ("age1pq1qqqq", "post-quantum"), ("ssh-ed25519", "SSH"), (",", "list of recipients"),
    (recipient1.dropLast() + "q", "checksum"),
  ])
  func `say what is wrong with a recipient`(text: String, reason: String) {
    let found = mistakes([recipients: text])
    #expect(found.count == 1 && found[0].contains(reason), "\(found)")
  }

  @Test(arguments: [("zstd", 1), ("zstd:1", 1), ("ZSTD:3", 3), ("zstd:6", 6)])
  func `compress at the level that is said`(text: String, level: Int) throws {
    #expect(try configuration([compression: text]).encoding.compression?.number == level)
  }

  @Test(arguments: ["zstd:0", "zstd:7", "zstd:", "zstd:1:2", "gzip", "on", "3"])
  func `refuse other compressions`(text: String) {
    #expect(mistakes([compression: text]).map { $0.hasPrefix(compression) } == [true])
  }

  /// Blocks, one more that fills, and the encoder share what blocks alone take by default.
  @Test(arguments: [
    ("off", nil, 6), ("off", recipient1, 5), ("zstd:1", nil, 5), ("zstd:3", recipient1, 4),
    ("zstd:6", recipient1, 4),
  ])
  func `take the memory of blocks`(text: String, recipient: String?, blocks: Int) throws {
    let found = try configuration([compression: text, recipients: recipient])
    #expect(found.uploadsInFlight == blocks && found.blocksInFlight == 6)
  }

  @Test func `leave one block in flight at least, and no more than are set`() throws {
    let blockSize = "APP_BACKUP_BLOCK_SIZE"
    let inFlight = "APP_BACKUP_BLOCKS_IN_FLIGHT"
    #expect(
      try configuration([compression: "zstd:6", blockSize: "16MiB", inFlight: "1"]).uploadsInFlight
        == 1)
    #expect(
      try configuration([compression: "zstd:6", blockSize: "1MiB", inFlight: "2"]).uploadsInFlight
        == 2)
  }

  @Test func `warn where they leave fewer blocks in flight than are set, and not of a default`()
    throws
  {
    let inFlight = "APP_BACKUP_BLOCKS_IN_FLIGHT"
    let lowered = try configuration([compression: "zstd:6", inFlight: "6"]).warnings
    #expect(lowered.map(\.variable) == [inFlight])
    #expect(lowered.first?.text.contains("memory for 4 blocks of 4.1 MiB") == true)
    let others: [[String: String?]] = [
      [compression: "zstd:6", inFlight: "4"], [compression: "zstd:6"], [inFlight: "6"],
    ]
    for variables in others { #expect(try configuration(variables).warnings.isEmpty) }
  }

  @Test(arguments: ["APP_BACKUP_IDENTITY_SECRET", "APP_BACKUP_IDENTITY_DIRECTORY"])
  func `warn where a run has an identity`(variable: String) throws {
    let found = try configuration([variable: "identity"]).warnings
    #expect(found.map(\.variable) == [variable])
  }
}
