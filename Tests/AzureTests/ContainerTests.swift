// What is asked of a container besides uploads: itself, its blobs, their bytes, their end.

import Azure
import Hints
import HTTP
import Testing
import TestSupport

@Suite struct `A container` {
  @Test func `tells of its policy`() throws {
    let server = ScriptedServer { _ in
      .response(
        200, headers: ["x-ms-has-immutability-policy": "true", "x-ms-has-legal-hold": "false"])
    }
    let properties = try #require(try TestStore(server).container.properties())
    #expect(properties.hasImmutabilityPolicy)
    #expect(!properties.hasLegalHold)
    let request = server.requests[0]
    #expect(
      "\(request.method) \(request.target)" == "GET /devstoreaccount1/backups?restype=container")
    #expect(request.isRightlySigned)
  }

  @Test func `A7: tells nothing of its policy to a credential that may not ask`() throws {
    let server = ScriptedServer { _ in .refusal(403, "AuthorizationPermissionMismatch") }
    #expect(try TestStore(server).container.properties() == nil)
  }

  @Test func `is probed with a list of one blob, which tells the store's clock`() throws {
    let server = ScriptedServer { _ in
      .response(
        200, headers: ["Date": HTTPDate.format(TestStore.start - 100)],
        text: "<EnumerationResults><Blobs/><NextMarker>m</NextMarker></EnumerationResults>")
    }
    let probe = try TestStore(server).container.probe(under: "prod/")
    #expect(!probe.hasBlob)
    #expect(try #require(probe.secondsAhead) - 100 == 2, "two looks at the clock")
    #expect(server.requests.map(\.kind) == [.list])
    #expect(server.requests[0].query.hasSuffix("maxresults=1"))
    #expect(server.requests[0].isRightlySigned)
  }

  @Test func `U2: that is missing is named and not created`() throws {
    let server = ScriptedServer { _ in .refusal(404, "ContainerNotFound") }
    let error = try #require(throws: AzureError.self) {
      try TestStore(server).container.probe(under: "prod/")
    }
    #expect(error.isConfiguration)
    #expect(error.description.contains("\(server.url)/devstoreaccount1/backups failed: 404"))
    #expect(error.hint?.hasPrefix("Create the container") == true)
    #expect(server.requests.map(\.method) == ["GET"])
  }

  @Test func `U1: is asked again after a transient failure`() throws {
    let server = ScriptedServer(script: [
      [.reset], .response(503, text: ""),
      .response(200, text: "<EnumerationResults><Blobs/></EnumerationResults>"),
    ])
    _ = try TestStore(server).container.probe(under: "prod/")
    #expect(server.requests.count == 3)
    #expect(Set(server.requests.map { $0["authorization"] }).count == 3)
  }
}

@Suite struct `A blob's properties` {
  @Test func `are read from the head of the answer`() throws {
    let server = ScriptedServer { _ in
      .properties(
        size: 20_512, more: "x-ms-access-tier: Cool\r\nX-MS-Meta-SHA256: 00ff\r\n")
    }
    let store = try TestStore(server)
    let properties = try #require(try store.container.properties(of: store.blob))
    #expect(properties.size == 20_512)
    #expect(properties.lastModified == 1_740_794_584)
    #expect(properties.accessTier == "Cool")
    #expect(properties.metadata.fields == ["runid": "0123456789abcdef", "sha256": "00ff"])
  }

  @Test func `tell of a blob on its way out of the archive`() throws {
    let server = ScriptedServer { _ in
      .properties(
        size: 1,
        more: "x-ms-access-tier: Archive\r\nx-ms-archive-status: rehydrate-pending-to-hot\r\n")
    }
    let store = try TestStore(server)
    let properties = try #require(try store.container.properties(of: store.blob))
    #expect(properties.archiveStatus == "rehydrate-pending-to-hot")
  }

  @Test func `may be asked of a blob in another container of the account`() throws {
    let server = ScriptedServer { _ in .absent }
    let store = try TestStore(server)
    let sibling = store.container.sibling(named: try ContainerName("older"))
    #expect(try sibling.properties(of: store.blob) == nil)
    #expect(server.requests[0].path == "/devstoreaccount1/older/prod/one")
    #expect(server.requests[0].isRightlySigned)
  }

  @Test func `are none where there is no blob`() throws {
    let server = ScriptedServer { _ in .absent }
    let store = try TestStore(server)
    #expect(try store.container.properties(of: store.blob) == nil)
  }

  @Test(
    arguments: [
      .response(404, headers: ["x-ms-error-code": "ContainerNotFound", "x-ms-request-id": "r"]),
      .response(404), .response(403),
      .response(200, headers: ["ETag": "\"0x1\""]),
    ] as [ScriptedServer.Reply])
  func `are not taken for none by mistake`(answer: ScriptedServer.Reply) throws {
    let server = ScriptedServer { _ in answer }
    let store = try TestStore(server)
    #expect(throws: AzureError.self) { try store.container.properties(of: store.blob) }
  }
}

@Suite struct `A listing` {
  private func page(_ names: [String], marker: String = "") -> ScriptedServer.Reply {
    let blobs = names.map {
      "<Blob><Name>\($0)</Name><Properties>"
        + "<Last-Modified>Sat, 01 Mar 2025 02:03:04 GMT</Last-Modified><Etag>0x1</Etag>"
        + "<Content-Length>9</Content-Length></Properties></Blob>"
    }
    return .response(
      200,
      xml: "<EnumerationResults><Blobs>\(blobs.joined())</Blobs>"
        + "<NextMarker>\(marker)</NextMarker></EnumerationResults>")
  }

  private func names(_ server: ScriptedServer, prefix: String = "prod/") throws -> [String] {
    var listing = try TestStore(server).container.list(prefix: prefix)
    var names: [String] = []
    while let page = try listing.nextPage() { names += page.map(\.name.description) }
    return names
  }

  @Test func `D8: follows every marker, also over empty pages`() throws {
    let server = ScriptedServer(script: [
      page(["prod/a", "prod/b"], marker: "2!8!a+/= é"), page([], marker: "3"), page(["prod/c"]),
    ])
    #expect(try names(server) == ["prod/a", "prod/b", "prod/c"])
    let fixed =
      "/devstoreaccount1/backups?restype=container&comp=list&prefix=prod%2F&maxresults=1000"
    #expect(
      server.requests.map(\.target) == [
        fixed, fixed + "&marker=2%218%21a%2B%2F%3D%20%C3%A9", fixed + "&marker=3",
      ])
    #expect(server.requests.allSatisfy { $0.isRightlySigned })
  }

  @Test func `asks for nothing before it is wanted`() throws {
    let server = ScriptedServer(script: [page(["prod/a"], marker: "2"), page(["prod/b"])])
    var listing = try TestStore(server).container.list(prefix: "prod/", metadata: ["sha256"])
    #expect(server.requests.isEmpty)
    _ = try listing.nextPage()
    #expect(server.requests.count == 1)
    #expect(server.requests[0].target.hasSuffix("&include=metadata"))
  }

  @Test(
    arguments: [
      .response(404, text: ""), .response(200, text: "<html>"),
      .response(200, xml: "<EnumerationResults><Blobs/>"),
      .response(200, xml: "<BlockList/>"),
    ] as [ScriptedServer.Reply])
  func `D8: that fails half-way is an error, not an end`(answer: ScriptedServer.Reply) throws {
    let server = ScriptedServer(script: [page(["prod/a"], marker: "2"), answer])
    #expect(throws: AzureError.self) { try names(server) }
  }

  @Test(arguments: [([], 12), (["prod/a"], 2)])
  func `D8: that does not advance is an error`(names: [String], requests: Int) throws {
    let page = page(names, marker: "same")
    let server = ScriptedServer { _ in page }
    let error = try #require(throws: AzureError.self) { try self.names(server) }
    #expect(error.description.contains("does not advance"))
    #expect(server.requests.count == requests)
  }

  @Test func `X9: that sends ever-new markers and nothing else comes to an end`() throws {
    let counter = Counter()
    let server = ScriptedServer { _ in page([], marker: "m\(counter.next())") }
    let error = try #require(throws: AzureError.self) { try names(server) }
    #expect(error.description.contains("more than 1000 pages in a row are empty"))
    #expect(counter.count == 1001)
  }

  @Test func `X9: whose markers go in circles is an error`() throws {
    let counter = Counter()
    let server = ScriptedServer { _ in
      let number = counter.next()
      return page(["prod/\(number)"], marker: "m\(number % 3)")
    }
    let error = try #require(throws: AzureError.self) { try names(server) }
    #expect(error.description.contains("goes in circles"))
    #expect(counter.count == 4)
  }

  @Test func `X9: whose marker is longer than a URL is an error`() throws {
    let server = ScriptedServer { _ in page([], marker: String(repeating: "m", count: 8193)) }
    let error = try #require(throws: AzureError.self) { try names(server) }
    #expect(error.description.contains("longer than 8192 bytes"))
    #expect(server.requests.count == 1)
  }

  @Test func `U1: asks for a page again after a transient failure`() throws {
    let server = ScriptedServer(script: [
      page(["prod/a"], marker: "2"), .response(503, text: ""), [.reset], page(["prod/b"]),
    ])
    #expect(try names(server) == ["prod/a", "prod/b"])
  }
}

@Suite struct `Deleting a blob` {
  private func delete(_ server: ScriptedServer, ifMatch etag: ETag? = nil) throws -> DeleteOutcome {
    let store = try TestStore(server)
    return try store.container.delete(store.blob, ifMatch: etag)
  }

  @Test func `takes its snapshots with it, and only the version that was meant`() throws {
    let server = ScriptedServer { _ in .response(202) }
    #expect(try delete(server, ifMatch: ETag("0x1")) == .deleted)
    let request = server.requests[0]
    #expect("\(request.method) \(request.target)" == "DELETE \(TestStore.blobPath)")
    #expect(request["x-ms-delete-snapshots"] == "include")
    #expect(request["if-match"] == "\"0x1\"")
    #expect(request["content-length"] == nil)
    #expect(request.isRightlySigned)
  }

  @Test func `that is gone already is no error`() throws {
    let server = ScriptedServer { _ in .refusal(404, "BlobNotFound") }
    #expect(try delete(server) == .alreadyGone)
  }

  @Test(arguments: [
    (409, "BlobImmutableDueToPolicy"), (412, "LeaseIdMissing"),
    (409, "BlobImmutableDueToLegalHold"),
  ])
  func `D9, D14: that a policy or a lease protects is no error`(status: Int, code: String) throws {
    let server = ScriptedServer { _ in .refusal(status, code) }
    #expect(try delete(server) == .protected)
  }

  @Test(arguments: [
    (412, "ConditionNotMet"), (403, "AuthorizationFailure"),
    (404, "ContainerNotFound"), (409, "SnapshotsPresent"),
  ])
  func `fails for any other reason`(status: Int, code: String) throws {
    let server = ScriptedServer { _ in .refusal(status, code) }
    let error = try #require(throws: AzureError.self) { try delete(server) }
    #expect(error.description.contains("Delete Blob of \(server.url)\(TestStore.blobPath)"))
    #expect(error.description.contains("\(status) \(code)"))
    #expect(server.requests.count == 1)
  }

  @Test func `U1: whose answer was lost is done all the same`() throws {
    let server = ScriptedServer(script: [[.reset], .refusal(404, "BlobNotFound")])
    #expect(try delete(server) == .alreadyGone)
  }
}

@Suite struct `Probing a container` {
  @Test func `C8: stages a block and commits nothing`() throws {
    let server = ScriptedServer { request in .stored(request) }
    let store = try TestStore(server)
    try store.container.stageBlock(at: store.blob, runID: TestStore.runID)
    #expect(server.requests.map(\.kind) == [.putBlock])
    #expect(server.requests[0].path == TestStore.blobPath)
  }

  @Test func `C8: fails where a block is refused`() throws {
    let server = ScriptedServer { _ in .refusal(403, "AuthorizationPermissionMismatch") }
    let store = try TestStore(server)
    let error = try #require(throws: AzureError.self) {
      try store.container.stageBlock(at: store.blob, runID: TestStore.runID)
    }
    #expect(error.isConfiguration)
  }

  @Test func `U13: names another version of the service, and signs it`() throws {
    let server = ScriptedServer { _ in .response(200) }
    let plain = try TestStore(server).container
    let container = BlobContainer(
      plain.name, of: plain.endpoint, credential: try TestStore.accountKey(),
      version: try ServiceVersion("2019-07-07"), transport: Transport())
    _ = try container.properties()
    #expect(server.requests[0]["x-ms-version"] == "2019-07-07")
    #expect(server.requests[0].isRightlySigned)
  }
}

@Suite struct `A version of the service` {
  @Test(arguments: ["2019-02-02", "2019-07-07", "2021-12-02", "2026-10-06"])
  func `U13: is a date from the first that checks CRC64 on`(text: String) throws {
    #expect(try "\(ServiceVersion(text))" == text)
  }

  @Test(arguments: [
    "2017-11-09", "2019-02-01", "2019-7-7", "2019-13-01", "2019-02-32", "latest", "20190707", "",
    "2019-07-07\r\nx: y", "２０１９-07-07",
  ])
  func `U13: is refused where it is none`(text: String) {
    #expect(throws: InvalidValue.self) { try ServiceVersion(text) }
  }
}
