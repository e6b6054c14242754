// Which blobs of a listing are backups of ours; all others are none of our business.

import Azure
import Backup
import Testing

@Suite struct `A blob of the listing` {
  static let ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
  static let folder = "service-catalog/"

  /// As the store would list it.
  func listed(
    _ name: String, size: Int, modified: String = "Sat, 30 Jul 2016 23:54:20 GMT",
    metadata: String = "<Metadata/>"
  ) throws -> ListedBlob {
    let page = try ListingPage(
      Array(
        """
        <?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs><Blob><Name>\(name)</Name>\
        <Properties><Last-Modified>\(modified)</Last-Modified><Etag>0x1</Etag>\
        <Content-Length>\(size)</Content-Length></Properties>\(metadata)</Blob></Blobs>\
        <NextMarker/></EnumerationResults>
        """.utf8),
      metadata: [
        "lineage", "history", "time", "encryption", "recipients", "compression", "snapshotbytes",
        "snapshotsha256",
      ])
    return try #require(page.blobs.first)
  }

  @Test(arguments: [16_416, 20_512, 8 << 30 | 32])
  func `is a backup where name and size are those of one`(size: Int) throws {
    let blob = try listed(Self.folder + Self.ulid, size: size)
    let backup = try #require(StoredBackup(blob, in: Self.folder))
    #expect(backup.name.description == Self.ulid)
    #expect(backup.lastModified == 1_469_922_860)
    #expect(backup.written == 1_469_922_850)
    #expect(backup.oddity == nil && backup.origin == .unknown)
  }

  @Test func `tells its lineage, its history and when its run wrote it`() throws {
    let metadata =
      "<Metadata><lineage>\(Self.ulid)</lineage><History>\(Self.ulid)</History>"
      + "<time>2016-07-30T23:54:15Z</time></Metadata>"
    let blob = try listed(Self.folder + Self.ulid, size: 20_512, metadata: metadata)
    let backup = try #require(StoredBackup(blob, in: Self.folder))
    let name = try #require(ULID(Self.ulid))
    #expect(backup.origin == .history(name, lineage: name))
    #expect(backup.written == 1_469_922_855)
    #expect(backup.oddity == nil)
  }

  @Test(arguments: [
    "<Metadata Encrypted=\"true\"/>", "<Metadata><lineage>\(ulid)</lineage></Metadata>",
    "<Metadata><history>\(ulid)</history></Metadata>",
    "<Metadata><lineage>x</lineage><history>\(ulid)</history></Metadata>",
    "<Metadata><lineage>\(ulid)</lineage><history></history></Metadata>",
    "<Metadata><time>30 July</time></Metadata>",
  ])
  func `(f) is odd where no run writes such metadata`(metadata: String) throws {
    let blob = try listed(Self.folder + Self.ulid, size: 20_512, metadata: metadata)
    #expect(StoredBackup(blob, in: Self.folder)?.oddity == .metadata)
  }

  @Test(arguments: [
    ("Mon, 01 Aug 2016 00:00:00 GMT", ""), ("Fri, 29 Jul 2016 20:00:00 GMT", ""),
    ("Sat, 30 Jul 2016 23:54:20 GMT", "<time>2016-08-01T00:00:00Z</time>"),
    // Of a blob whose metadata were set again, a scanner's tag, a copy to another account.
    ("Sat, 01 Mar 2025 02:03:04 GMT", "<time>2016-07-30T23:54:15Z</time>"),
  ])
  func `D17: is odd where its times disagree by more than a day`(
    modified: String, time: String
  ) throws {
    let blob = try listed(
      Self.folder + Self.ulid, size: 20_512, modified: modified,
      metadata: "<Metadata>\(time)</Metadata>")
    #expect(StoredBackup(blob, in: Self.folder)?.oddity == .times)
  }

  @Test(arguments: [0, 32, 511, 512, 4128, 16_384, 16_415, 16_417, 20_480, 20_544])
  func `D2: is odd where no snapshot has its size`(size: Int) throws {
    let blob = try listed(Self.folder + Self.ulid, size: size)
    #expect(StoredBackup(blob, in: Self.folder)?.oddity == .size(size))
  }

  /// As a run writes them; a `nil` takes one out.
  func encoding(_ changes: [String: String?]) -> String {
    var fields: [String: String?] = [
      "encryption": "age", "recipients": "8f40c5ad,01234567", "compression": "off",
      "snapshotbytes": "20512", "snapshotsha256": String(repeating: "0a", count: 32),
    ]
    fields.merge(changes) { $1 }
    return "<Metadata>"
      + fields.compactMap { name, value in value.map { "<\(name)>\($0)</\(name)>" } }.joined()
      + "</Metadata>"
  }

  /// 20,512 bytes in one chunk: 266 bytes of header for two recipients, 16 of nonce, 16 of tag.
  @Test(arguments: [
    (20_810, [:]), (20_712, ["recipients": "8f40c5ad"]), (2_000, ["compression": "zstd"]),
    (30_000, ["compression": "zstd"]),
    (9, ["encryption": "off", "recipients": nil, "compression": "zstd"]),
  ])
  func `is a backup where its size is that of an encoded snapshot`(
    size: Int, changes: [String: String?]
  ) throws {
    let blob = try listed(Self.folder + Self.ulid, size: size, metadata: encoding(changes))
    #expect(try #require(StoredBackup(blob, in: Self.folder)).oddity == nil)
  }

  @Test(arguments: [
    (20_809, [:]), (20_811, [:]), (20_512, [:]), (0, ["compression": "zstd"]),
    (20_810, ["snapshotbytes": "20511"]), (2_000, ["compression": "zstd", "snapshotbytes": "32"]),
  ])
  func `D2: is odd where no encoded snapshot has its size`(
    size: Int, changes: [String: String?]
  ) throws {
    let blob = try listed(Self.folder + Self.ulid, size: size, metadata: encoding(changes))
    #expect(StoredBackup(blob, in: Self.folder)?.oddity == .size(size))
  }

  @Test(arguments: [
    ["encryption": "rot13"], ["encryption": nil], ["compression": "lzma"], ["compression": nil],
    ["snapshotbytes": nil], ["snapshotbytes": "many"], ["snapshotsha256": nil],
    ["snapshotsha256": "abc"], ["recipients": nil], ["encryption": "off"],
    ["encryption": "off", "recipients": nil],
  ])
  func `(f) is odd where it is encoded in a way that is unknown here`(
    changes: [String: String?]
  ) throws {
    let blob = try listed(Self.folder + Self.ulid, size: 20_810, metadata: encoding(changes))
    #expect(StoredBackup(blob, in: Self.folder)?.oddity == .metadata)
  }

  @Test(arguments: [
    "service-catalog/etcd.backup_v3.3.9_1", "service-catalog/01arz3ndektsv4rrffq69g5fav",
    "service-catalog/01ARZ3NDEKTSV4RRFFQ69G5FAV.tmp", "service-catalog/01ARZ3NDEKTSV4RRFFQ69G5FA",
    "service-catalog/", "service-catalog/README.md",
  ])
  func `D2: is none where its name is not a ULID`(name: String) throws {
    #expect(StoredBackup(try listed(name, size: 20_512), in: Self.folder) == nil)
  }

  @Test(arguments: [
    "service-catalog-2/\(ulid)", "service-catalo/\(ulid)", "\(ulid)", "other/\(ulid)",
    "service-catalog/old/\(ulid)", "x/service-catalog/\(ulid)", "service-catalog//\(ulid)",
    "Service-Catalog/\(ulid)",
  ])
  func `D4: is none where it lies in another folder, however near`(name: String) throws {
    #expect(StoredBackup(try listed(name, size: 20_512), in: Self.folder) == nil)
  }
}
