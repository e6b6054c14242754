// List Blobs: pages in the order of the names' bytes, with a marker that means nothing to a client.

import Foundation

/// How many entries a page may have.
enum ListLimit {
  static let maximum = 5000

  static func read(_ target: BlobTarget) throws(BlobError) -> Int {
    guard let text = target["maxresults"] else { return maximum }
    guard let number = Int(text) else {
      throw .invalidQuery("maxresults", text, "Not a number.")
    }
    guard number >= 1 else { throw .outOfRangeQuery("maxresults", text, 1...maximum) }
    return min(number, maximum)
  }
}

/// Where the next page starts, wrapped up so that nobody is tempted to read it.
enum ListMarker {
  static func text(_ name: String) -> String {
    let encoded = Data(name.utf8).base64EncodedString()
    return "2!\(encoded.utf8.count)!\(encoded)"
  }

  static func name(_ text: String) throws(BlobError) -> String {
    let parts = text.split(separator: "!", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "2", Int(parts[1]) == parts[2].utf8.count,
      let bytes = Data(base64Encoded: String(parts[2])),
      let name = String(validating: bytes, as: UTF8.self)
    else { throw .invalidQuery("marker", text, "Not a marker of this service.") }
    return name
  }
}

/// One page of a listing.
struct ListPage: Sendable {
  enum Entry: Sendable {
    case blob(StoredBlob)
    case uncommitted(String)
    case prefix(String)
  }

  var entries: [Entry] = []
  /// The name with which the next page starts; `nil` on the last page.
  var next: String?

  /// Starts with the name `start`, or at the beginning. Names that hold `delimiter` after the
  /// prefix are rolled up into one entry.
  init(
    of container: Container, prefix: String, start: String?, delimiter: String?, limit: Int,
    includesUncommitted: Bool
  ) {
    let names = container.names.all
    let first = start.map { SortedNames.precedes($0, prefix) ? prefix : $0 } ?? prefix
    var position = container.names.position(of: first)
    while position < names.count, names[position].utf8.starts(with: prefix.utf8) {
      let name = names[position]
      position += 1
      let blob = container.blobs[name]
      guard blob != nil || includesUncommitted else { continue }
      guard entries.count < limit else {
        next = name
        return
      }
      if let delimiter, let end = name.dropFirst(prefix.count).firstRange(of: delimiter) {
        let group = String(name[..<end.upperBound])
        entries.append(.prefix(group))
        while position < names.count, names[position].utf8.starts(with: group.utf8) {
          position += 1
        }
      } else {
        entries.append(blob.map { .blob($0) } ?? .uncommitted(name))
      }
    }
  }
}

extension BlobService {
  private static let includable: Set<String> = ["metadata", "uncommittedblobs"]

  func listBlobs(_ call: Call, _ target: BlobTarget, _ fault: FaultAction?) throws -> Answer {
    let prefix = target["prefix"] ?? ""
    let delimiter = target["delimiter"].flatMap { $0.isEmpty ? nil : $0 }
    let limit = try ListLimit.read(target)
    let start = try target["marker"].flatMap { $0.isEmpty ? nil : $0 }.map(ListMarker.name)
    let include = Set((target["include"] ?? "").split(separator: ",").map(String.init))
    guard include.isSubset(of: Self.includable) else {
      throw BlobError.invalidQuery(
        "include", target["include"] ?? "", "The sandbox knows metadata and uncommittedblobs.")
    }

    var page = try store.with(target.container ?? "") { container in
      ListPage(
        of: container, prefix: prefix, start: start, delimiter: delimiter, limit: limit,
        includesUncommitted: include.contains("uncommittedblobs"))
    }
    if fault?.kind == .emptyPage {
      page.entries = []
      page.next = start ?? prefix
    }

    var document = XML.byteOrderMark + XML.declaration
    document += "<EnumerationResults ServiceEndpoint=\"http://\(XML.escape(call.host))/\""
    document += " ContainerName=\"\(XML.escape(target.container ?? ""))\">"
    document += XML.element("Prefix", optional: target["prefix"])
    document += XML.element("Marker", optional: target["marker"])
    document += XML.element("MaxResults", optional: target["maxresults"])
    document += XML.element("Delimiter", optional: target["delimiter"]) + "<Blobs>"
    for entry in page.entries {
      append(entry, to: &document, withMetadata: include.contains("metadata"))
    }
    document += "</Blobs>"
    document += page.next.map { XML.element("NextMarker", ListMarker.text($0)) } ?? "<NextMarker />"
    document += "</EnumerationResults>"
    return Answer(
      200, [("Content-Type", "application/xml")], body: .bytes(Array(document.utf8)))
  }

  private func append(_ entry: ListPage.Entry, to document: inout String, withMetadata: Bool) {
    switch entry {
    case .prefix(let name):
      document += "<BlobPrefix>" + XML.element("Name", name) + "</BlobPrefix>"
    case .uncommitted(let name):
      document +=
        "<Blob>" + XML.element("Name", name)
        + "<Properties><Content-Length>0</Content-Length><BlobType>BlockBlob</BlobType>"
        + "</Properties></Blob>"
    case .blob(let blob):
      let record = blob.record
      document += "<Blob>" + XML.element("Name", record.name) + "<Properties>"
      document += XML.element("Creation-Time", record.created.description)
      document += XML.element("Last-Modified", record.lastModified.description)
      document += XML.element("Etag", record.etag)
      document += XML.element("Content-Length", String(blob.size))
      document += XML.element("Content-Type", record.content.type)
      document += XML.element("Content-Encoding", record.content.encoding ?? "")
      document += XML.element("Content-Language", record.content.language ?? "")
      document += XML.element("Content-MD5", record.content.md5 ?? "")
      document += XML.element("Content-Disposition", record.content.disposition ?? "")
      document += XML.element("Cache-Control", record.content.cacheControl ?? "")
      document += "<BlobType>BlockBlob</BlobType>"
      document += XML.element("AccessTier", record.tier ?? "Hot")
      if record.tier == nil { document += "<AccessTierInferred>true</AccessTierInferred>" }
      document += "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
      document += "<ServerEncrypted>true</ServerEncrypted></Properties>"
      if withMetadata {
        let pairs = record.metadata.map { XML.element($0.name, $0.value) }.joined()
        document += "<Metadata>\(pairs)</Metadata>"
      }
      document += "</Blob>"
    }
  }
}
