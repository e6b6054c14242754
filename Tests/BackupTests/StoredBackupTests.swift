/// Which blobs of a listing are backups of ours; all others are none of our business.

import AzureBlob
import Backup
import Testing

@Suite struct `A blob of the listing` {
  static let ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
  static let folder = "service-catalog/"

  /// As the store would list it.
  func listed(_ name: String, size: Int) throws -> ListedBlob {
    let page = try ListingPage(
      Array(
        """
        <?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs><Blob><Name>\(name)</Name>\
        <Properties><Last-Modified>Sun, 06 Nov 1994 08:49:37 GMT</Last-Modified><Etag>0x1</Etag>\
        <Content-Length>\(size)</Content-Length></Properties></Blob></Blobs><NextMarker/>\
        </EnumerationResults>
        """.utf8))
    return try #require(page.blobs.first)
  }

  @Test(arguments: [16_416, 20_512, 8 << 30 | 32])
  func `is a backup where name and size are those of one`(size: Int) throws {
    let blob = try listed(Self.folder + Self.ulid, size: size)
    let backup = try #require(StoredBackup(blob, in: Self.folder))
    #expect(backup.name.description == Self.ulid)
    #expect(backup.lastModified == 784_111_777)
  }

  @Test(arguments: [0, 32, 511, 512, 4128, 16_384, 16_415, 16_417, 20_480, 20_544])
  func `D2: is none where no snapshot has its size`(size: Int) throws {
    let blob = try listed(Self.folder + Self.ulid, size: size)
    #expect(StoredBackup(blob, in: Self.folder) == nil)
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
