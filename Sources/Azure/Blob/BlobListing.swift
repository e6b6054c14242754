// A container's blobs under a prefix, one page at a time, however many there are.

internal import HTTP

/// One blob as a listing tells of it.
package struct ListedBlob: Equatable, Sendable {
  package let name: BlobName
  /// In bytes.
  package let size: Int
  /// Seconds since 1970.
  package let lastModified: Int
  package let etag: ETag
  package let accessTier: String?
  /// Only what the listing was asked for.
  package let metadata: BlobMetadata
  /// False where the metadata are encrypted with a key that this program does not have.
  package let isMetadataReadable: Bool
}

/// The blobs whose names begin with a prefix, page by page.
///
/// ```swift
/// var listing = container.list(prefix: "prod/", metadata: ["lineage"])
/// while let page = try listing.nextPage() { … }
/// ```
///
/// Asks for a page only when it is wanted, and holds none: memory does not grow with the container.
///
/// See https://learn.microsoft.com/rest/api/storageservices/list-blobs.
package struct BlobListing {
  private let container: BlobContainer
  private let prefix: String
  private let metadata: Set<String>
  /// Where the next page starts; `nil` once there is none.
  private var marker: String? = ""
  private let pageSize: Int
  /// How many pages in a row were empty and led no further.
  private var idlePages = 0
  private var emptyPages = 0
  /// Of the markers so far only their hashes, so that memory stays small.
  private var seenMarkers: Set<Int> = []

  /// Azure allows 5000; fewer keep a page well below a megabyte.
  private static let standardPageSize = 1000
  private static let mostIdlePages = 10
  /// Azure sends empty pages where much was deleted, but not without end.
  private static let mostEmptyPages = 1000
  /// Ten million blobs. A listing beyond that is none that this program can do anything with.
  private static let mostPages = 10_000
  /// Bytes. Azure's have a few hundred; they go back in a URL.
  private static let longestMarker = 8192

  /// The store's clock as it answered the latest page, in seconds since 1970; `nil` where it did not
  /// tell.
  package private(set) var storeClock: Int?

  init(
    _ container: BlobContainer, prefix: String, metadata: Set<String>,
    pageSize: Int = Self.standardPageSize
  ) {
    self.pageSize = pageSize
    self.container = container
    self.prefix = prefix
    self.metadata = metadata
  }

  /// The next blobs in the order of their names, possibly none; `nil` once all have been told.
  ///
  /// An error means that the listing is incomplete: nothing may be concluded from it.
  package mutating func nextPage() throws(AzureError) -> [ListedBlob]? {
    guard let marker else { return nil }
    var query = [
      ("restype", "container"), ("comp", "list"), ("prefix", prefix),
      ("maxresults", String(pageSize)),
    ]
    if !marker.isEmpty { query.append(("marker", marker)) }
    if !metadata.isEmpty { query.append(("include", "metadata")) }
    let request = StorageRequest(.listBlobs, path: container.path, query: query)
    let response = try container.send(request)
    storeClock = response.headers["date"].flatMap(HTTPDate.parse)
    do throws(XMLError) {
      let page = try ListingPage(response.body, metadata: metadata)
      try advance(from: marker, over: page)
      self.marker = page.nextMarker
      return page.blobs
    } catch {
      throw .unreadable(.listBlobs, url: container.url(of: request), reason: error.description)
    }
  }

  /// Throws where a listing that goes on like this would never end.
  private mutating func advance(from marker: String, over page: ListingPage) throws(XMLError) {
    emptyPages = page.blobs.isEmpty ? emptyPages + 1 : 0
    guard let next = page.nextMarker else { return }
    guard next.utf8.count <= Self.longestMarker else {
      throw XMLError(description: "its marker is longer than \(Self.longestMarker) bytes")
    }
    guard emptyPages <= Self.mostEmptyPages else {
      throw XMLError(description: "more than \(Self.mostEmptyPages) pages in a row are empty")
    }
    if next == marker {
      idlePages += 1
      guard page.blobs.isEmpty, idlePages <= Self.mostIdlePages else {
        throw XMLError(description: "it does not advance")
      }
    } else {
      idlePages = 0
      guard seenMarkers.insert(next.hashValue).inserted else {
        throw XMLError(description: "it goes in circles: a marker came a second time")
      }
    }
    guard seenMarkers.count < Self.mostPages else {
      throw XMLError(description: "it has more than \(Self.mostPages) pages")
    }
  }
}

extension BlobContainer {
  /// All committed blobs whose names begin with `prefix`, with these fields of their metadata.
  package func list(prefix: String, metadata: Set<String> = []) -> BlobListing {
    BlobListing(self, prefix: prefix, metadata: metadata)
  }
}

/// `<EnumerationResults><Blobs><Blob>…</Blob>…</Blobs><NextMarker/></EnumerationResults>`
package struct ListingPage {
  package private(set) var blobs: [ListedBlob] = []
  /// Opaque; `nil` on the last page.
  package private(set) var nextMarker: String?

  /// Keeps these fields of the blobs' metadata.
  package init(_ document: [UInt8], metadata: Set<String> = []) throws(XMLError) {
    var blobs: [ListedBlob] = []
    var nextMarker: String?
    var current = Entry()
    var problem: String?
    var hasRoot = false
    try XMLReader.read(document) { element in
      switch element.path {
      case ["EnumerationResults"]: hasRoot = true
      case ["EnumerationResults", "NextMarker"]:
        nextMarker = element.text.isEmpty ? nil : element.text
      case ["EnumerationResults", "Blobs", "Blob"]:
        if let blob = current.blob {
          blobs.append(blob)
        } else {
          problem = "the entry of \(current.name ?? "a blob") lacks size, date or ETag"
        }
        current = Entry()
      default: current.note(element, metadata)
      }
    }
    guard hasRoot else { throw XMLError(description: "it is not a list of blobs") }
    if let problem { throw XMLError(description: problem) }
    self.blobs = blobs
    self.nextMarker = nextMarker
  }

  /// What of one `<Blob>` has been read so far.
  private struct Entry {
    var name: String?
    private var size: Int?
    private var lastModified: Int?
    private var etag: ETag?
    private var accessTier: String?
    private var metadata = BlobMetadata()
    private var isMetadataReadable = true

    mutating func note(_ element: XMLElement, _ names: Set<String>) {
      guard element.path.starts(with: ["EnumerationResults", "Blobs", "Blob"]) else { return }
      switch element.path.dropFirst(3) {
      case ["Name"]:
        let isEncoded = element.attributes["Encoded"] == "true"
        name = isEncoded ? PercentEncoding.decode(element.text) : element.text
      case ["Properties", "Content-Length"]: size = Int(element.text)
      case ["Properties", "Last-Modified"]: lastModified = HTTPDate.parse(element.text)
      case ["Properties", "Etag"]: etag = ETag(element.text)
      case ["Properties", "AccessTier"]: accessTier = element.text
      case ["Metadata"]: isMetadataReadable = element.attributes["Encrypted"] != "true"
      default:
        guard element.path.count == 5, element.path[3] == "Metadata" else { return }
        let name = element.path[4].lowercased()
        if names.contains(name) { metadata.note(listed: name, element.text) }
      }
    }

    var blob: ListedBlob? {
      guard let name, let size, size >= 0, let lastModified, let etag else { return nil }
      return ListedBlob(
        name: BlobName(listed: name), size: size, lastModified: lastModified, etag: etag,
        accessTier: accessTier, metadata: metadata,
        isMetadataReadable: isMetadataReadable)
    }
  }
}
