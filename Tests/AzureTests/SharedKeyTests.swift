// Shared Key signatures that Microsoft's own client computes for the same requests.

import Azure
import FoundationEssentials
import HTTP
import Testing

@Suite struct `Shared Key` {
  struct Vector: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var account = "acct1"
    var operation = StorageOperation.getBlob
    var method: String?
    var path = "/etcd-backups/c1/a.db"
    var query: [(name: String, value: String)] = []
    var headers: Headers = [:]
    /// In bytes.
    var bodyLength: Int?
    let target: String
    let stringToSign: String
    let signature: String
  }

  static let date = "Sat, 01 Mar 2025 02:03:04 GMT"

  static let vectors = [
    Vector(
      testDescription: "create container", method: "PUT", path: "/etcd-backups",
      query: [("restype", "container")], bodyLength: 0,
      target: "/etcd-backups?restype=container",
      stringToSign:
        "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:\(date)\nx-ms-version:2021-12-02\n"
        + "/acct1/etcd-backups\nrestype:container",
      signature: "bpaEHyhTZ3J+Vb5yb9W+T2YdyJL80/c7rH3FgmDStPE="),
    Vector(
      testDescription: "put block", operation: .putBlock,
      path: "/etcd-backups/shoot--p1--c1/2025-03-01T02%3A03%3A04Z.db",
      query: [("comp", "block"), ("blockid", "+/8AAAAB")],
      headers: ["x-ms-content-crc64": "iJh5CoYUi64="], bodyLength: 4_194_304,
      target: "/etcd-backups/shoot--p1--c1/2025-03-01T02%3A03%3A04Z.db"
        + "?comp=block&blockid=%2B%2F8AAAAB",
      stringToSign:
        "PUT\n\n\n4194304\n\n\n\n\n\n\n\n\nx-ms-content-crc64:iJh5CoYUi64=\nx-ms-date:\(date)\n"
        + "x-ms-version:2021-12-02\n"
        + "/acct1/etcd-backups/shoot--p1--c1/2025-03-01T02%3A03%3A04Z.db\n"
        + "blockid:+/8AAAAB\ncomp:block",
      signature: "4vqJh5oQGBOPwd2niTsrddTD/IH78Y5PIIjnNUZ7lsY="),
    Vector(
      testDescription: "put block list", operation: .putBlockList,
      query: [("comp", "blocklist")],
      headers: [
        "Content-Type": "application/xml", "If-None-Match": "*",
        "x-ms-blob-content-md5": "JfnnlDI7RTiF9RgfG2JNCw==",
        "x-ms-blob-content-type": "application/octet-stream",
        "x-ms-client-request-id": "11111111-2222-3333-4444-555555555555",
        "x-ms-meta-revision": "61", "x-ms-meta-sha256": "00ff", "x-ms-meta-sha_256": "x",
      ], bodyLength: 127,
      target: "/etcd-backups/c1/a.db?comp=blocklist",
      stringToSign:
        "PUT\n\n\n127\n\napplication/xml\n\n\n\n*\n\n\n"
        + "x-ms-blob-content-md5:JfnnlDI7RTiF9RgfG2JNCw==\n"
        + "x-ms-blob-content-type:application/octet-stream\n"
        + "x-ms-client-request-id:11111111-2222-3333-4444-555555555555\nx-ms-date:\(date)\n"
        + "x-ms-meta-revision:61\nx-ms-meta-sha_256:x\nx-ms-meta-sha256:00ff\n"
        + "x-ms-version:2021-12-02\n/acct1/etcd-backups/c1/a.db\ncomp:blocklist",
      signature: "wBwmhVmhILl5DB+4UOVObC9Qqo+ckgVDVx03zYcO7hQ="),
    Vector(
      testDescription: "list blobs", operation: .listBlobs, path: "/etcd-backups",
      query: [
        ("restype", "container"), ("comp", "list"), ("prefix", "c1/2025-03 x"),
        ("include", "metadata,uncommittedblobs"), ("maxresults", "5000"),
      ],
      target: "/etcd-backups?restype=container&comp=list&prefix=c1%2F2025-03%20x"
        + "&include=metadata%2Cuncommittedblobs&maxresults=5000",
      stringToSign:
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:\(date)\nx-ms-version:2021-12-02\n"
        + "/acct1/etcd-backups\ncomp:list\ninclude:metadata,uncommittedblobs\nmaxresults:5000\n"
        + "prefix:c1/2025-03 x\nrestype:container",
      signature: "jvviHemO8S+mBIXf68ujQSywrCqwyNb+3cciNuClFVQ="),
    Vector(
      testDescription: "get blob range", headers: ["x-ms-range": "bytes=0-4194303"],
      target: "/etcd-backups/c1/a.db",
      stringToSign:
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:\(date)\nx-ms-range:bytes=0-4194303\n"
        + "x-ms-version:2021-12-02\n/acct1/etcd-backups/c1/a.db",
      signature: "XCJm9H/k36KmQHFBkNC43vu3BoaF2+N2gU86ycWnEeg="),
    Vector(
      testDescription: "delete blob", operation: .deleteBlob,
      headers: ["If-Match": "\"0x8DD5A3B2C1D0E0F\"", "x-ms-delete-snapshots": "include"],
      target: "/etcd-backups/c1/a.db",
      stringToSign:
        "DELETE\n\n\n\n\n\n\n\n\"0x8DD5A3B2C1D0E0F\"\n\n\n\nx-ms-date:\(date)\n"
        + "x-ms-delete-snapshots:include\nx-ms-version:2021-12-02\n/acct1/etcd-backups/c1/a.db",
      signature: "C0rcranaIX4wKNbw/9SYCBaEKsoxWZISPNRFg9xcRqY="),
    Vector(
      testDescription: "account root", operation: .listBlobs, path: "/",
      query: [("comp", "list")], target: "/?comp=list",
      stringToSign:
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:\(date)\nx-ms-version:2021-12-02\n"
        + "/acct1/\ncomp:list",
      signature: "QFCpVg6tMYjHeYz+7v5AK1so3IA2VnRYYnZNfgfqJSc="),
    Vector(
      testDescription: "emulator, create container", account: "devstoreaccount1", method: "PUT",
      path: "/devstoreaccount1/etcd-backups", query: [("restype", "container")], bodyLength: 0,
      target: "/devstoreaccount1/etcd-backups?restype=container",
      stringToSign:
        "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:\(date)\nx-ms-version:2021-12-02\n"
        + "/devstoreaccount1/devstoreaccount1/etcd-backups\nrestype:container",
      signature: "Wv/RoAFXYcYynTkEypWFZ4F40FJBEQdmkfz3LC/UhnY="),
    Vector(
      testDescription: "emulator, put block", account: "devstoreaccount1", operation: .putBlock,
      path: "/devstoreaccount1/etcd-backups/a.db",
      query: [("comp", "block"), ("blockid", "MDAwMDAwMDA=")], bodyLength: 9,
      target: "/devstoreaccount1/etcd-backups/a.db?comp=block&blockid=MDAwMDAwMDA%3D",
      stringToSign:
        "PUT\n\n\n9\n\n\n\n\n\n\n\n\nx-ms-date:\(date)\nx-ms-version:2021-12-02\n"
        + "/devstoreaccount1/devstoreaccount1/etcd-backups/a.db\nblockid:MDAwMDAwMDA=\ncomp:block",
      signature: "/kZgnLwyVLXm3eTq/kwOEAozPVHT5O8SuTz56Dh2ODM="),
  ]

  private func request(of vector: Vector) -> StorageRequest {
    var headers = vector.headers
    headers["x-ms-date"] = Self.date
    headers["x-ms-version"] = "2021-12-02"
    var request = StorageRequest(
      vector.operation, path: vector.path, query: vector.query, headers: headers,
      body: vector.bodyLength.map { Payload([UInt8](repeating: 0, count: $0)) })
    if let method = vector.method { request.method = method }
    return request
  }

  private func key(of vector: Vector) throws -> SharedKey {
    let text =
      vector.account == "acct1"
      ? "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
      : TestStore.key
    return SharedKey(account: vector.account, key: try #require(AccountKey(text)))
  }

  @Test(arguments: vectors)
  func `composes the string to sign as the service does`(vector: Vector) throws {
    #expect(try key(of: vector).stringToSign(for: request(of: vector)) == vector.stringToSign)
  }

  @Test(arguments: vectors)
  func `signs as Microsoft's client does`(vector: Vector) throws {
    let authorization = try key(of: vector).authorization(for: request(of: vector))
    #expect(authorization == "SharedKey \(vector.account):\(vector.signature)")
  }

  @Test(arguments: vectors)
  func `sends what it signs`(vector: Vector) {
    #expect(request(of: vector).target == vector.target)
  }
}

@Suite struct `An account key` {
  @Test func `shows its bytes in no way of printing`() throws {
    let key = try #require(AccountKey("c2VjcmV0IHNlY3JldA=="))
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key)", String(describing: key), String(reflecting: key), dumped] {
      #expect(text.contains("<account key>"))
      #expect(!text.contains("115") && !text.contains("secret") && !text.contains("c2Vj"))
    }
  }

  @Test func `K5 is told from what people store in its place`() {
    let key = Data((0..<64).map { UInt8($0 * 37 % 256) }).base64EncodedString()
    #expect(AccountKey.mistake(in: key) == nil)
    #expect(AccountKey.mistake(in: Data(key.utf8).base64EncodedString()) == .encodedTwice)
    let signature = "sv=2021-12-02&ss=b&srt=co&sp=rw&se=2030-01-01T00:00:00Z&sig=abc%3D"
    for text in [signature, "?\(signature)", "https://a.example/c?sig=abc%3D"] {
      #expect(AccountKey.mistake(in: text) == .signature)
    }
    let connection = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=\(key)"
    #expect(AccountKey.mistake(in: connection) == .connectionString)
  }

  @Test(arguments: ["", "not base64!", "YWJj\u{1}"])
  func `is base64 or nothing`(text: String) {
    #expect(AccountKey(text) == nil)
  }
}
