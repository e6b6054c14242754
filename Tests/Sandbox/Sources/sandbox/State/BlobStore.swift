// All containers of the account: the rules of staging, committing and deleting, safe against SIGKILL.

import Foundation
import Synchronization

/// The blobs on disk and, for quick answers, in memory. Every method is atomic.
final class BlobStore: Sendable {
  private struct State {
    var containers: [String: Container] = [:]
    var lastEtag = 0
  }

  private let folder: String
  /// Whether blocks' bytes are thrown away (their sizes stay).
  let discardsData: Bool
  private let state: Mutex<State>

  init(folder: String, discardsData: Bool) throws {
    self.folder = folder
    self.discardsData = discardsData
    self.state = Mutex(State())
    try Files.makeFolder(folder)
    try reload()
    try state.withLock { state in
      for container in state.containers.values { try container.forgetIncoming() }
    }
  }

  /// Takes everything from disk again, also what another process put there.
  func reload() throws {
    try state.withLock { state in
      state.containers = [:]
      for name in Files.names(in: folder) {
        if name.hasPrefix(".") {
          Files.removeFolder("\(folder)/\(name)")  // a container whose creation was cut short
        } else if Files.exists("\(folder)/\(name)/container.json") {
          state.containers[name] = try Container(loading: name, in: folder)
        }
      }
    }
  }

  /// What the account is, as it stands now.
  func account() throws -> AccountTraits {
    let file = "\(folder)/account.json"
    guard Files.exists(file) else { return AccountTraits() }
    return try JSONDecoder().decode(AccountTraits.self, from: Files.read(file))
  }

  /// Runs `body` on a container, alone.
  func with<Result: Sendable>(
    _ container: String, _ body: (Container) throws -> Result
  ) throws -> Result {
    try state.withLock { state in
      guard let found = state.containers[container] else { throw BlobError.containerNotFound }
      return try body(found)
    }
  }

  /// A new entity tag, like no other of this account.
  func newEtag() -> String {
    state.withLock { state in
      // The service's tags count 100 ns from the year 1; keep them growing.
      let ticks = Int(Date().timeIntervalSince1970 * 1e7) + 621_355_968_000_000_000
      state.lastEtag = max(ticks, state.lastEtag + 1)
      return "0x" + String(state.lastEtag, radix: 16, uppercase: true)
    }
  }
}

// Containers.
extension BlobStore {
  func createContainer(_ name: String, metadata: [Metadatum]) throws -> Container.Properties {
    let properties = Container.Properties(
      etag: newEtag(), lastModified: .now, metadata: metadata)
    try state.withLock { state in
      guard state.containers[name] == nil else { throw BlobError.containerExists }
      state.containers[name] = try Container(creating: name, in: folder, properties: properties)
    }
    return properties
  }

  func containerNames() -> [String] {
    state.withLock { $0.containers.keys.sorted(by: SortedNames.precedes) }
  }

  /// A path for a body that is being received.
  func incomingFile(in container: String) throws -> String {
    try with(container) { "\($0.folder)/incoming/\(UUID().uuidString)" }
  }
}

// Blobs.
extension BlobStore {
  func blob(_ name: String, in container: String) throws -> StoredBlob {
    try with(container) { container in
      guard let blob = container.blobs[name] else { throw BlobError.blobNotFound }
      return blob
    }
  }

  /// Replaces a blob's properties in place; its bytes stay.
  func update(
    _ name: String, in container: String, _ change: (inout BlobRecord) throws -> Void
  ) throws -> BlobRecord {
    try with(container) { container in
      guard let blob = container.blobs[name] else { throw BlobError.blobNotFound }
      var record = blob.record
      try change(&record)
      try container.journal.put(record)
      container.blobs[name] = StoredBlob(record: record, bytes: blob.bytes)
      return record
    }
  }

  /// Deletes a blob with its staged blocks; a name with staged blocks only is deleted as well.
  func delete(_ name: String, in container: String, _ conditions: Conditions) throws {
    try with(container) { container in
      let blob = container.blobs[name]
      guard blob != nil || container.staged[name] != nil else { throw BlobError.blobNotFound }
      try conditions.checkWrite(blob?.record)
      if blob != nil, try container.policy().immutable == true { throw BlobError.immutable }
      if blob?.record.isImmutable == true { throw BlobError.immutable }
      if blob != nil { try container.journal.delete(name) }
      blob?.bytes?.supersede()
      container.blobs[name] = nil
      container.dropStaged(name)
      container.names.remove(name)
    }
  }
}

// Staging and committing.
extension BlobStore {
  static let maximumStagedBlocks = 100_000

  /// Makes a received body one of the staged blocks of `blob`; the same id again replaces it.
  func stage(_ id: String, of blob: String, in container: String, size: Int, file: String?) throws {
    try with(container) { container in
      var staged = container.staged[blob] ?? StagedBlob()
      container.staged[blob] = nil  // so that the dictionary below is not copied
      defer { if !staged.blocks.isEmpty { container.staged[blob] = staged } }
      try Self.checkLength(of: id, staged, container.blobs[blob]?.record)
      guard staged.blocks[id] != nil || staged.blocks.count < Self.maximumStagedBlocks else {
        throw BlobError.blockCountExceedsLimit
      }
      var place: String?
      if let file {
        let folder = container.stagingFolder(blob)
        if staged.blocks.isEmpty {
          try Files.makeFolder(folder)
          try Files.replace("\(folder)/name", with: Data(blob.utf8))
        }
        let target = "\(folder)/\(Container.file(ofBlockID: id))"
        try Files.move(file, to: target)
        place = target
      }
      staged.blocks[id] = StagedBlock(size: size, file: place)
      container.names.insert(blob)
    }
  }

  /// All ids of one blob have one length, staged or committed.
  private static func checkLength(of id: String, _ staged: StagedBlob, _ blob: BlobRecord?) throws {
    let committed = blob?.isSingle == true ? nil : blob?.blocks.first?.id
    guard let other = staged.blocks.first?.key ?? committed else { return }
    guard other.utf8.count == id.utf8.count else { throw BlobError.invalidBlobOrBlock }
  }

  /// Put Block List: readers see the old blob or the new one, and so does a restart. `make` turns
  /// the chosen blocks into the record.
  func commit(
    _ list: [BlockList.Entry], as name: String, in container: String, _ conditions: Conditions,
    _ make: ([BlobRecord.Block]) -> BlobRecord
  ) throws -> BlobRecord {
    try with(container) { container in
      let old = container.blobs[name]
      try container.checkOverwrite(old, conditions)
      let chosen = try container.choose(list, of: name, old)
      let keepsBytes = chosen.allSatisfy { $0.file != nil }
      let data = keepsBytes && !chosen.isEmpty ? UUID().uuidString : nil
      if let data {
        try Files.makeFolder("\(container.folder)/data/\(data)")
        for (index, block) in chosen.enumerated() {
          guard let file = block.file else { continue }
          try Files.link(file, as: "\(container.folder)/data/\(data)/\(index)")
        }
      }
      var record = make(chosen.map { BlobRecord.Block(id: $0.id, size: $0.size) })
      record.folder = data
      return try container.replace(name, with: record)
    }
  }

  /// Put Blob: the whole blob in one body.
  func putSingle(
    _ record: BlobRecord, file: String?, in container: String, _ conditions: Conditions
  ) throws -> BlobRecord {
    try with(container) { container in
      try container.checkOverwrite(container.blobs[record.name], conditions)
      var record = record
      if let file {
        let data = UUID().uuidString
        try Files.makeFolder("\(container.folder)/data/\(data)")
        try Files.move(file, to: "\(container.folder)/data/\(data)/0")
        record.folder = data
      }
      return try container.replace(record.name, with: record)
    }
  }
}

extension Container {
  func checkOverwrite(_ old: StoredBlob?, _ conditions: Conditions) throws {
    try conditions.checkCreation(over: old?.record)
    guard let old else { return }
    // The service would make a new version; this sandbox keeps none.
    if try policy().immutable == true || old.record.isImmutable { throw BlobError.immutable }
    if old.record.tier == "Archive" { throw BlobError.archived }
  }

  /// The blocks that the entries of a block list mean.
  fileprivate func choose(_ list: [BlockList.Entry], of name: String, _ old: StoredBlob?) throws
    -> [(id: String, size: Int, file: String?)]
  {
    let staged = staged[name]?.blocks ?? [:]
    let committed = old?.record.isSingle == true ? [] : old?.record.blocks ?? []
    let positions = Dictionary(
      committed.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    return try list.map { entry in
      if entry.source != .committed, let block = staged[entry.id] {
        return (entry.id, block.size, block.file)
      }
      if entry.source != .uncommitted, let index = positions[entry.id] {
        return (entry.id, committed[index].size, old?.bytes?.file(index))
      }
      throw BlobError.invalidBlockList
    }
  }

  /// Makes `record` the blob of that name; its line in the journal is the commit.
  fileprivate func replace(_ name: String, with record: BlobRecord) throws -> BlobRecord {
    let old = blobs[name]
    var record = record
    record.created = old?.record.created ?? record.created
    try journal.put(record)
    blobs[name] = StoredBlob(
      record: record, bytes: record.folder.map { BlobBytes(folder: "\(folder)/data/\($0)") })
    old?.bytes?.supersede()
    dropStaged(name)
    names.insert(name)
    return record
  }

  func dropStaged(_ name: String) {
    guard staged.removeValue(forKey: name) != nil else { return }
    Files.removeFolder(stagingFolder(name))
  }
}
