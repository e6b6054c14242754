/// What is asked of a container besides uploads: itself, its blobs, their bytes, their end.

import AzureBlob
import HTTP
import TestSupport
import Testing

@Suite struct `A container` {
  @Test func `proves itself there and open to the key`() throws {
    let server = ScriptedServer { _ in
      .response(
        200,
        headers: [
          "x-ms-has-immutability-policy": "true", "x-ms-has-legal-hold": "false",
          "Date": HTTPDate.format(TestStore.start - 100),
        ])
    }
    let properties = try TestStore(server).container.properties()
    #expect(properties.hasImmutabilityPolicy)
    #expect(!properties.hasLegalHold)
    #expect(try #require(properties.secondsAhead) - 100 == 2, "two looks at the clock")
    let request = server.requests[0]
    #expect(
      "\(request.method) \(request.target)" == "GET /devstoreaccount1/backups?restype=container")
    #expect(request.isRightlySigned)
  }

  @Test func `U2: that is missing is named and not created`() throws {
    let server = ScriptedServer { _ in .refusal(404, "ContainerNotFound") }
    let error = try #require(throws: AzureBlobError.self) {
      try TestStore(server).container.properties()
    }
    #expect(error.isConfiguration)
    #expect(error.description.contains("\(server.url)/devstoreaccount1/backups failed: 404"))
    #expect(error.hint?.hasPrefix("create the container") == true)
    #expect(server.requests.map(\.method) == ["GET"])
  }

  @Test func `U1: is asked again after a transient failure`() throws {
    let server = ScriptedServer(script: [
      [.reset], .response(503, text: ""), .response(200),
    ])
    _ = try TestStore(server).container.properties()
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
    #expect(throws: AzureBlobError.self) { try store.container.properties(of: store.blob) }
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
    #expect(throws: AzureBlobError.self) { try names(server) }
  }

  @Test(arguments: [([], 12), (["prod/a"], 2)])
  func `D8: that does not advance is an error`(names: [String], requests: Int) throws {
    let page = page(names, marker: "same")
    let server = ScriptedServer { _ in page }
    let error = try #require(throws: AzureBlobError.self) { try self.names(server) }
    #expect(error.description.contains("does not advance"))
    #expect(server.requests.count == requests)
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

  @Test(arguments: [(409, "BlobImmutableDueToPolicy"), (412, "LeaseIdMissing")])
  func `D9: that a policy or a lease protects is no error`(status: Int, code: String) throws {
    let server = ScriptedServer { _ in .refusal(status, code) }
    #expect(try delete(server) == .protected)
  }

  @Test(arguments: [
    (412, "ConditionNotMet"), (403, "AuthorizationFailure"),
    (404, "ContainerNotFound"), (409, "SnapshotsPresent"),
  ])
  func `fails for any other reason`(status: Int, code: String) throws {
    let server = ScriptedServer { _ in .refusal(status, code) }
    let error = try #require(throws: AzureBlobError.self) { try delete(server) }
    #expect(error.description.contains("Delete Blob of \(server.url)\(TestStore.blobPath)"))
    #expect(error.description.contains("\(status) \(code)"))
    #expect(server.requests.count == 1)
  }

  @Test func `U1: whose answer was lost is done all the same`() throws {
    let server = ScriptedServer(script: [[.reset], .refusal(404, "BlobNotFound")])
    #expect(try delete(server) == .alreadyGone)
  }
}

@Suite struct `Proving that a container can be written to` {
  @Test func `stages a block, takes it away, and commits nothing`() throws {
    let server = ScriptedServer { request in
      request.kind == .putBlock ? .stored(request) : .response(202)
    }
    let store = try TestStore(server)
    try store.container.proveWritable(at: store.blob, runID: TestStore.runID)
    #expect(server.requests.map(\.kind) == [.putBlock, .delete])
    #expect(server.requests.allSatisfy { $0.path == TestStore.blobPath })
  }

  @Test func `is content where the service has nothing to take away`() throws {
    let server = ScriptedServer { request in
      request.kind == .putBlock ? .stored(request) : .refusal(404, "BlobNotFound")
    }
    let store = try TestStore(server)
    try store.container.proveWritable(at: store.blob, runID: TestStore.runID)
  }

  @Test(arguments: [RecordedRequest.Kind.putBlock, .delete])
  func `fails where either is refused`(refused: RecordedRequest.Kind) throws {
    let server = ScriptedServer { request in
      if request.kind == refused { return .refusal(403, "AuthorizationPermissionMismatch") }
      return request.kind == .putBlock ? .stored(request) : .response(202)
    }
    let store = try TestStore(server)
    let error = try #require(throws: AzureBlobError.self) {
      try store.container.proveWritable(at: store.blob, runID: TestStore.runID)
    }
    #expect(error.isConfiguration)
  }
}
