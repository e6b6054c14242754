// One container: its blobs, its staged blocks, and the folder that holds them across restarts.

import Foundation

/// A block that was put but not committed.
struct StagedBlock: Sendable {
  let size: Int
  /// Where its bytes lie; `nil` when bytes are not kept.
  let file: String?
}

/// All blocks put under one blob name since its last commit.
struct StagedBlob: Sendable {
  var blocks: [String: StagedBlock] = [:]
}

/// What `policy.json` in a container's folder says; a test writes it there.
struct ContainerPolicy: Codable, Sendable {
  /// Blobs can be made, but neither overwritten nor deleted.
  var immutable: Bool?
  /// Blobs can have policies of their own, from their commit on.
  var versionLevelImmutability: Bool?
}

/// What `account.json` beside the containers' folders says; a test writes it there.
struct AccountTraits: Codable, Sendable {
  /// `StorageV2` where it is not said; `BlockBlobStorage` is a premium account.
  var kind: String?
  /// Whether it has a hierarchical namespace.
  var hierarchical: Bool?

  var isPremium: Bool { kind == "BlockBlobStorage" }
}

/// A container in memory. On disk:
///
///     container.json           etag, time and metadata
///     policy.json              optional, see `ContainerPolicy`
///     committed.jsonl          the blobs, see `Journal`; appending a line is the commit
///     data/FOLDER/0, 1, …      the committed blocks' bytes
///     staged/KEY/ID            staged blocks' bytes; `staged/KEY/name` holds the blob's name
///     incoming/                bodies being received; emptied at start
final class Container {
  struct Properties: Codable, Sendable {
    var etag: String
    var lastModified: HTTPDate
    var metadata: [Metadatum] = []
  }

  let name: String
  let folder: String
  var properties: Properties
  let journal: Journal
  var blobs: [String: StoredBlob] = [:]
  var staged: [String: StagedBlob] = [:]
  var names: SortedNames

  /// A new, empty container; the folder appears complete or not at all.
  init(creating name: String, in parent: String, properties: Properties) throws {
    self.name = name
    self.folder = "\(parent)/\(name)"
    self.properties = properties
    self.names = SortedNames([])
    let draft = "\(parent)/.\(UUID().uuidString)"
    for part in ["data", "staged", "incoming"] {
      try Files.makeFolder("\(draft)/\(part)")
    }
    try Files.replace("\(draft)/container.json", encoding: properties)
    try Files.move(draft, to: folder)
    var none: [String: BlobRecord] = [:]
    journal = try Journal(file: "\(folder)/committed.jsonl", recovering: &none)
  }

  /// A container as an earlier process left it.
  init(loading name: String, in parent: String) throws {
    self.name = name
    self.folder = "\(parent)/\(name)"
    self.names = SortedNames([])
    let decoder = JSONDecoder()
    properties = try decoder.decode(
      Properties.self, from: Files.read("\(folder)/container.json"))
    var records: [String: BlobRecord] = [:]
    journal = try Journal(file: "\(folder)/committed.jsonl", recovering: &records)
    adopt(records)
    try loadStaged()
    names = SortedNames(Set(blobs.keys).union(staged.keys))
  }

  /// Removes the bodies that an earlier process was receiving.
  func forgetIncoming() throws {
    Files.removeFolder("\(folder)/incoming")
    try Files.makeFolder("\(folder)/incoming")
  }

  private func adopt(_ records: [String: BlobRecord]) {
    var used: Set<String> = []
    for record in records.values {
      if let data = record.folder { used.insert(data) }
      blobs[record.name] = StoredBlob(
        record: record, bytes: record.folder.map { BlobBytes(folder: "\(folder)/data/\($0)") })
    }
    for data in Files.names(in: "\(folder)/data") where !used.contains(data) {
      Files.removeFolder("\(folder)/data/\(data)")
    }
  }

  private func loadStaged() throws {
    for key in Files.names(in: "\(folder)/staged") {
      let place = "\(folder)/staged/\(key)"
      guard Files.exists("\(place)/name") else {
        Files.removeFolder(place)
        continue
      }
      let blob = String(decoding: try Files.read("\(place)/name"), as: UTF8.self)
      var found = StagedBlob()
      for file in Files.names(in: place) where file != "name" {
        guard let id = Self.blockID(fromFile: file) else { continue }
        found.blocks[id] = StagedBlock(
          size: try Files.size(of: "\(place)/\(file)"), file: "\(place)/\(file)")
      }
      staged[blob] = found
    }
  }

  /// The policy as it stands now; none when there is no file.
  func policy() throws -> ContainerPolicy {
    let file = "\(folder)/policy.json"
    guard Files.exists(file) else { return ContainerPolicy() }
    return try JSONDecoder().decode(ContainerPolicy.self, from: Files.read(file))
  }

  func stagingFolder(_ blob: String) -> String { "\(folder)/staged/\(Self.key(blob))" }

  /// Base64 without the one character that cannot stand in a file name.
  static func file(ofBlockID id: String) -> String { id.replacing("/", with: "_") }
  private static func blockID(fromFile file: String) -> String? {
    let id = file.replacing("_", with: "/")
    return Data(base64Encoded: id).map { _ in id }
  }

  /// A blob's name as a file name: readable where it is short, unique always.
  static func key(_ blob: String) -> String {
    let encoded = PercentEncoding.encode(blob).replacing(".", with: "%2E")
    guard encoded.utf8.count > 180 else { return encoded }
    return encoded.prefix(110) + "~" + Digests.sha256Hex(Array(blob.utf8))
  }
}
