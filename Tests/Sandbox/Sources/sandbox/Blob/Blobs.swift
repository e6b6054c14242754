// Put Blob, Get Blob, Get Blob Properties, Delete Blob and Set Blob Tier.

import Foundation

extension BlobService {
  func putBlob(
    _ call: Call, _ place: BlobPlace, _ body: inout IncomingBody, _ fault: FaultAction?
  ) throws -> Answer {
    guard let type = call["x-ms-blob-type"] else { throw BlobError.missingHeader("x-ms-blob-type") }
    guard type == "BlockBlob" else { throw BlobError.invalidHeader("x-ms-blob-type", type) }
    let promised = try PromisedChecksum(call)
    let conditions = try Conditions(call)
    var record = try newRecord(call, place.blob)
    if call["x-ms-blob-content-type"] == nil, let type = call["Content-Type"] {
      record.content.type = type
    }
    // Turn an upload away before it is received, as far as that can be known now.
    try store.with(place.container) { container in
      try container.checkOverwrite(container.blobs[place.blob], conditions)
    }
    let received = try receive(
      &body, into: place.container, promised: promised, wantsMD5: true, limit: bodyLimit(call),
      isDamaged: fault?.kind == .damage)
    record.content.md5 = record.content.md5 ?? received.md5
    record.isSingle = true
    record.blocks = received.size == 0 ? [] : [BlobRecord.Block(id: "", size: received.size)]
    do {
      record = try store.putSingle(
        record, file: received.file, in: place.container, conditions)
    } catch {
      if let file = received.file { try Files.remove(file) }
      throw error
    }
    var answer = created(record)
    answer["Content-MD5"] = received.md5
    answer["x-ms-content-crc64"] = received.crc64.header
    return answer
  }

  func headBlob(_ call: Call, _ place: BlobPlace) throws -> Answer {
    let blob = try store.blob(place.blob, in: place.container)
    try Conditions(call).checkRead(blob.record)
    var answer = described(blob, status: 200)
    answer["Content-Length"] = String(blob.size)
    answer["Content-MD5"] = blob.record.content.md5
    return answer
  }

  func getBlob(_ call: Call, _ place: BlobPlace) throws -> Answer {
    let blob = try store.blob(place.blob, in: place.container)
    try Conditions(call).checkRead(blob.record)
    if blob.record.tier == "Archive" { throw BlobError.archived }
    let range = try ByteRange(call, size: blob.size)
    let bytes = range?.bytes ?? 0..<blob.size
    guard let slice = blob.slice(bytes) else {
      throw BlobError.internalError("the sandbox was started with --discard-data")
    }

    var answer = described(blob, status: range == nil ? 200 : 206)
    answer.body = .stored(slice)
    guard range != nil else {
      answer["Content-MD5"] = blob.record.content.md5
      return answer
    }
    answer["Content-Range"] = "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(blob.size)"
    answer["x-ms-blob-content-md5"] = blob.record.content.md5
    try addRangeChecksum(to: &answer, call, slice)
    return answer
  }

  /// The checksum of just this range, where the client asked for one.
  private func addRangeChecksum(to answer: inout Answer, _ call: Call, _ slice: StoredSlice) throws
  {
    let wantsMD5 = call["x-ms-range-get-content-md5"] == "true"
    let wantsCRC = call["x-ms-range-get-content-crc64"] == "true"
    guard wantsMD5 || wantsCRC else { return }
    guard !(wantsMD5 && wantsCRC) else { throw BlobError.bothChecksums }
    guard slice.range.count <= 4 << 20 else { throw BlobError.outOfRangeInput }
    var content: [UInt8] = []
    var reader = slice.reader(pieceSize: 4 << 20)
    while let piece = try reader.next() { content += piece }
    if wantsMD5 { answer["Content-MD5"] = Digests.md5(content) }
    if wantsCRC { answer["x-ms-content-crc64"] = Digests.crc64(content) }
  }

  private func described(_ blob: StoredBlob, status: Int) -> Answer {
    let record = blob.record
    var answer = Answer(
      status,
      [
        ("Content-Type", record.content.type), ("ETag", "\"\(record.etag)\""),
        ("Last-Modified", record.lastModified.description),
        ("x-ms-creation-time", record.created.description), ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-lease-status", "unlocked"), ("x-ms-lease-state", "available"),
        ("x-ms-server-encrypted", "true"), ("Accept-Ranges", "bytes"),
        ("x-ms-access-tier", record.tier ?? "Hot"),
      ])
    if record.tier == nil { answer["x-ms-access-tier-inferred"] = "true" }
    record.immutability?.describe(&answer)
    answer["Content-Encoding"] = record.content.encoding
    answer["Content-Language"] = record.content.language
    answer["Content-Disposition"] = record.content.disposition
    answer["Cache-Control"] = record.content.cacheControl
    for pair in record.metadata { answer["x-ms-meta-" + pair.name] = pair.value }
    return answer
  }

  func deleteBlob(_ call: Call, _ place: BlobPlace) throws -> Answer {
    switch call["x-ms-delete-snapshots"] {
    case nil, "include": break
    // No blob of the sandbox has snapshots, so there is nothing that could be deleted alone.
    case "only": throw BlobError.blobNotFound
    case let other?: throw BlobError.invalidHeader("x-ms-delete-snapshots", other)
    }
    try store.delete(place.blob, in: place.container, Conditions(call))
    return Answer(202, [("x-ms-delete-type-permanent", "true")])
  }

  func setBlobTier(_ call: Call, _ place: BlobPlace) throws -> Answer {
    guard let tier = call["x-ms-access-tier"] else {
      throw BlobError.missingHeader("x-ms-access-tier")
    }
    _ = try Self.checkTier(tier, of: store.account(), call)
    let old = try store.blob(place.blob, in: place.container).record.tier
    _ = try store.update(place.blob, in: place.container) { $0.tier = tier }
    return Answer(old == "Archive" && tier != "Archive" ? 202 : 200)
  }

  /// Cold came with version 2021-12-02; a premium account has no tiers.
  static func checkTier(
    _ tier: String, of account: AccountTraits, _ call: Call
  ) throws(BlobError) -> String {
    let isNew = (call["x-ms-version"] ?? "") >= "2021-12-02"
    let known = ["Hot", "Cool", "Archive"] + (isNew ? ["Cold"] : [])
    guard known.contains(tier) else { throw .invalidHeader("x-ms-access-tier", tier) }
    guard !account.isPremium else { throw .unsupportedHeader("x-ms-access-tier") }
    return tier
  }
}

/// The bytes a read asks for: `x-ms-range` wins over `Range`.
struct ByteRange {
  let bytes: Range<Int>

  /// Returns `nil` for a read of the whole blob; an end beyond the blob is cut to it.
  init?(_ call: Call, size: Int) throws(BlobError) {
    let name = call["x-ms-range"] != nil ? "x-ms-range" : "Range"
    guard let text = call[name] else { return nil }
    let prefix = "bytes="
    let ends = text.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
    guard text.hasPrefix(prefix), ends.count == 2, let first = Int(ends[0]), first >= 0 else {
      throw .invalidHeader(name, text)
    }
    guard ends[1].isEmpty || (Int(ends[1]) ?? -1) >= first else {
      throw .invalidHeader(name, text)
    }
    guard first < size else { throw .invalidRange }
    bytes = first..<min(size, (Int(ends[1]) ?? size - 1) + 1)
  }
}
