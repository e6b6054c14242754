// Put Block, Put Block List and Get Block List.

import Foundation

extension BlobService {
  /// From version 2019-12-12 on blocks and whole bodies are bigger.
  private func isLarge(_ call: Call) -> Bool { (call["x-ms-version"] ?? "") >= "2019-12-12" }
  private func blockLimit(_ call: Call) -> Int { (isLarge(call) ? 4000 : 100) << 20 }
  func bodyLimit(_ call: Call) -> Int { (isLarge(call) ? 5000 : 256) << 20 }

  func putBlock(
    _ call: Call, _ target: BlobTarget, _ place: BlobPlace, _ body: inout IncomingBody,
    _ fault: FaultAction?
  ) throws -> Answer {
    guard let id = target["blockid"] else { throw BlobError.missingQuery("blockid") }
    _ = try BlockID.check(id)
    if Conditions.names.contains(where: { call[$0] != nil }) {
      throw BlobError.conditionsNotSupported
    }
    guard body.announced > 0 else { throw BlobError.invalidHeader("Content-Length", "0") }
    let promised = try PromisedChecksum(call)
    let received = try receive(
      &body, into: place.container, promised: promised, limit: blockLimit(call),
      isDamaged: fault?.kind == .damage)
    do {
      try store.stage(
        id, of: place.blob, in: place.container, size: received.size, file: received.file)
    } catch {
      if let file = received.file { try Files.remove(file) }
      throw error
    }
    var answer = Answer(201, [("x-ms-request-server-encrypted", "true")])
    promised.describe(&answer, crc64: received.crc64.header)
    return answer
  }

  func putBlockList(
    _ call: Call, _ place: BlobPlace, _ body: inout IncomingBody, _ fault: FaultAction?
  ) throws -> Answer {
    let promised = try PromisedChecksum(call)
    let conditions = try Conditions(call)
    var record = try newRecord(call, place.blob)
    record.immutability = try immutability(call, in: place.container)
    guard let document = try body.collect(upTo: 16 << 20) else {
      throw BlobError.tooLarge(16 << 20)
    }
    let crc64 = Digests.crc64(document)
    try promised.check(crc64: crc64, md5: Digests.md5(document))
    var list = try BlockList(document).entries
    if fault?.kind == .shorten { list = list.dropLast() }

    record = try store.commit(list, as: place.blob, in: place.container, conditions) { blocks in
      var record = record
      record.blocks = blocks
      return record
    }
    var answer = created(record)
    promised.describe(&answer, crc64: crc64)
    return answer
  }

  func getBlockList(_ target: BlobTarget, _ place: BlobPlace) throws -> Answer {
    let type = target["blocklisttype"] ?? "committed"
    guard ["committed", "uncommitted", "all"].contains(type) else {
      throw BlobError.invalidQuery("blocklisttype", type, "committed, uncommitted or all.")
    }
    let (blob, staged) = try store.with(place.container) { container in
      (container.blobs[place.blob], container.staged[place.blob])
    }
    guard blob != nil || (staged != nil && type != "committed") else {
      throw BlobError.blobNotFound
    }

    func list(_ name: String, _ blocks: some Sequence<(id: String, size: Int)>) -> String {
      let items = blocks.map { block in
        "<Block>" + XML.element("Name", block.id) + XML.element("Size", String(block.size))
          + "</Block>"
      }
      return "<\(name)>\(items.joined())</\(name)>"
    }
    var document = XML.byteOrderMark + XML.declaration + "<BlockList>"
    if type != "uncommitted" {
      let blocks = blob?.record.isSingle == true ? [] : blob?.record.blocks ?? []
      document += list("CommittedBlocks", blocks.map { (id: $0.id, size: $0.size) })
    }
    if type != "committed" {
      let blocks = (staged?.blocks ?? [:]).sorted { SortedNames.precedes($0.key, $1.key) }
      document += list("UncommittedBlocks", blocks.map { (id: $0.key, size: $0.value.size) })
    }
    document += "</BlockList>"

    var answer = Answer(
      200,
      [
        ("Content-Type", "application/xml"), ("x-ms-blob-content-length", String(blob?.size ?? 0)),
      ], body: .bytes(Array(document.utf8)))
    if let record = blob?.record {
      answer["ETag"] = "\"\(record.etag)\""
      answer["Last-Modified"] = record.lastModified.description
    }
    return answer
  }

  /// A record with everything the request's headers say, and no blocks yet.
  func newRecord(_ call: Call, _ name: String) throws -> BlobRecord {
    var record = BlobRecord(
      name: name, etag: store.newEtag(), created: .now, lastModified: .now, blocks: [])
    record.metadata = try BlobNames.metadata(of: call)
    if let tier = call["x-ms-access-tier"] {
      record.tier = try Self.checkTier(tier, of: store.account(), call)
    }
    let content = "x-ms-blob-content-"
    if let type = call[content + "type"] { record.content.type = type }
    record.content.encoding = call[content + "encoding"]
    record.content.language = call[content + "language"]
    record.content.disposition = call[content + "disposition"]
    record.content.cacheControl = call["x-ms-blob-cache-control"]
    if let md5 = call[content + "md5"] {
      guard Data(base64Encoded: md5)?.count == 16 else {
        throw BlobError.invalidHeader("x-ms-blob-content-md5", md5)
      }
      record.content.md5 = md5
    }
    return record
  }

  func created(_ record: BlobRecord) -> Answer {
    Answer(
      201,
      [
        ("ETag", "\"\(record.etag)\""), ("Last-Modified", record.lastModified.description),
        ("x-ms-request-server-encrypted", "true"),
      ])
  }
}
