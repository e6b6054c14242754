// The commit on the wire: what is sent, what becomes of open outcomes, and what is checked after.

import Azure
import HTTP
import TestSupport
import Testing

@Suite struct `A commit` {
  /// Stores every block and answers the other requests with the given steps, in turn.
  private func server(_ steps: [ScriptedServer.Reply]) -> ScriptedServer {
    let taken = Counter()
    return ScriptedServer { request in
      if request.kind == .putBlock { return .stored(request) }
      let step = taken.next()
      return step <= steps.count ? steps[step - 1] : .response(500, text: "no further step")
    }
  }

  /// The answer gets lost after its first line: unlike a connection that dies without a word,
  /// this is nothing that libcurl repeats by itself.
  private static let lostAnswer: ScriptedServer.Reply = [
    .send("HTTP/1.1 201 Created\r\n"), .reset,
  ]

  private func commit(_ server: ScriptedServer, _ count: Int = 2500) throws -> BlobReceipt {
    let upload = try TestStore(server).stage(testBytes(count))
    return try upload.commit(metadata: ["sha256": "00ff", "revision": "61"])
  }

  private func commits(_ server: ScriptedServer) -> [RecordedRequest] {
    server.requests.filter { $0.kind == .putBlockList }
  }

  @Test func `names every block once, in order, with type, metadata and run`() throws {
    let server = server([.committed])
    let receipt = try commit(server)

    let request = try #require(commits(server).first)
    #expect(request.target == "\(TestStore.blobPath)?comp=blocklist")
    #expect(
      request.bodyText
        == "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>"
        + "<Uncommitted>MDEyMzQ1Njc4OWFiY2RlZi0wMDAwMA==</Uncommitted>"
        + "<Uncommitted>MDEyMzQ1Njc4OWFiY2RlZi0wMDAwMQ==</Uncommitted>"
        + "<Uncommitted>MDEyMzQ1Njc4OWFiY2RlZi0wMDAwMg==</Uncommitted></BlockList>")
    #expect(request["content-type"] == "application/xml")
    #expect(request["x-ms-blob-content-type"] == "application/octet-stream")
    #expect(request["x-ms-meta-sha256"] == "00ff")
    #expect(request["x-ms-meta-revision"] == "61")
    #expect(request["x-ms-meta-runid"] == "0123456789abcdef")
    #expect(request.isRightlySigned)

    #expect(receipt.size == 2500)
    #expect(receipt.blocks.map(\.size) == [1000, 1000, 500])
    #expect(receipt.etag == ETag("0x1"))
    #expect(receipt.metadata["runid"] == "0123456789abcdef")
  }

  @Test func `U5: is made only where nothing of that name exists`() throws {
    let server = server([.committed])
    _ = try commit(server)
    #expect(commits(server).map { $0["if-none-match"] } == ["*"])
  }

  @Test(arguments: [
    ScriptedServer.Reply.refusal(409, "BlobAlreadyExists"),
    .refusal(412, "ConditionNotMet"),
    .refusal(400, "InvalidBlockList"),
  ])
  func `U5: leaves somebody else's blob alone`(answer: ScriptedServer.Reply) throws {
    for other in [
      ScriptedServer.Reply.properties(size: 2500, runID: "fedcba9876543210"),
      .properties(size: 2499),
    ] {
      let server = server([answer, other])
      let error = try #require(throws: AzureError.self) { try commit(server) }
      #expect(try error == .nameTaken(BlobName("prod/one")))
      #expect(commits(server).count == 1)
    }
  }

  @Test(
    arguments: [
      lostAnswer, .response(500, text: "OperationTimedOut"), .response(503, text: ""),
      .response(504, text: ""),
      .refusal(409, "BlobAlreadyExists"), .refusal(412, "ConditionNotMet"),
      .refusal(400, "InvalidBlockList"), .response(201),
    ] as [ScriptedServer.Reply])
  func `U3: that succeeded although its answer was lost is recognised as ours`(
    answer: ScriptedServer.Reply
  ) throws {
    let server = server([answer, .properties(size: 2500, etag: "\"0x7\"")])
    let receipt = try commit(server)
    #expect(receipt.etag == ETag("0x7"))
    #expect(receipt.blocks.count == 3)
    #expect(commits(server).count == 1)
  }

  @Test func `U3: whose outcome cannot be seen at once is looked for until it can`() throws {
    let server = server([
      Self.lostAnswer, .response(503, text: ""), Self.lostAnswer, .properties(size: 2500),
    ])
    #expect(try commit(server).size == 2500)
    #expect(commits(server).count == 1)
  }

  @Test func `U3: that libcurl repeats on a connection which died is recognised as ours`() throws {
    let server = server([[.close], .refusal(409, "BlobAlreadyExists"), .properties(size: 2500)])
    #expect(try commit(server).size == 2500)
    #expect(commits(server).count == 2)
  }

  @Test func `U3: that did not take place is made again, dated and signed anew`() throws {
    let server = server([Self.lostAnswer, .absent, .response(503, text: ""), .absent, .committed])
    _ = try commit(server)
    let commits = commits(server)
    #expect(commits.count == 3)
    #expect(Set(commits.map(\.bodyText)).count == 1)
    #expect(Set(commits.map { $0["authorization"] }).count == 3)
    #expect(commits.allSatisfy { $0.isRightlySigned })
  }

  @Test func `U3: that the store finished late is recognised at the next attempt`() throws {
    let server = server([
      .response(500, text: ""), .absent, .refusal(409, "BlobAlreadyExists"),
      .properties(size: 2500),
    ])
    #expect(try commit(server).size == 2500)
    #expect(commits(server).count == 2)
  }

  @Test func `U3: is given up after as many attempts as it may make`() throws {
    let server = server(
      Array(repeating: [.response(503, text: ""), .absent], count: 9).flatMap(\.self))
    let error = try #require(throws: AzureError.self) { try commit(server) }
    #expect(commits(server).count == 4)
    #expect(error.description.contains("Put Block List"))
    #expect(error.description.contains("after 4 attempts"))
  }

  @Test func `U3: says so where its outcome cannot be learned`() throws {
    let server = server([Self.lostAnswer] + Array(repeating: .response(403, text: ""), count: 9))
    let error = try #require(throws: AzureError.self) { try commit(server) }
    guard case .unresolvedCommit = error else {
      Issue.record("\(error)")
      return
    }
    #expect(error.description.hasPrefix("whether prod/one was committed is not known: "))
  }

  @Test(arguments: [
    (403, "AuthorizationFailure"), (404, "ContainerNotFound"), (400, "InvalidMetadata"),
  ])
  func `U2: fails at a refusal that leaves nothing open`(status: Int, code: String) throws {
    let server = server([.refusal(status, code)])
    let error = try #require(throws: AzureError.self) { try commit(server) }
    #expect(error.description.contains("\(status) \(code)"))
    #expect(server.requests.last?.kind == .putBlockList)
  }

  @Test(arguments: ["BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold"])
  func `D14: that a policy protects since its lost answer is recognised as ours`(
    code: String
  ) throws {
    let server = server([
      Self.lostAnswer, .absent, .refusal(409, code), .properties(size: 2500),
    ])
    #expect(try commit(server).size == 2500)
  }

  @Test func `is not made of nothing`() throws {
    let server = server([])
    let error = try #require(throws: AzureError.self) { try commit(server, 0) }
    #expect(try error == .emptyUpload(BlobName("prod/one")))
    #expect(server.requests.isEmpty)
  }

  @Test func `stores what is left before it is made`() throws {
    let server = server([.committed])
    var upload = try TestStore(server).startUpload()
    try upload.append(testBytes(1500))
    let receipt = try upload.commit(metadata: [:])
    #expect(receipt.blocks.map(\.size) == [1000, 500])
    #expect(server.requests.map(\.kind) == [.putBlock, .putBlock, .putBlockList])
  }
}

@Suite struct `What was committed` {
  private static let ids = ["MA==", "MQ==", "Mg=="].map { "MDEyMzQ1Njc4OWFiY2RlZi0wMDAw\($0)" }

  private func blockList(_ blocks: [(String, Int)]) -> ScriptedServer.Reply {
    let entries = blocks.map { "<Block><Name>\($0.0)</Name><Size>\($0.1)</Size></Block>" }
    return .response(
      200,
      xml: "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><CommittedBlocks>"
        + entries.joined() + "</CommittedBlocks></BlockList>")
  }

  /// Uploads and commits 2500 bytes, then verifies against what the store says it holds.
  private func verify(
    _ properties: ScriptedServer.Reply, _ blocks: ScriptedServer.Reply
  ) throws -> [RecordedRequest] {
    let server = ScriptedServer { request in
      switch request.kind {
      case .putBlock: .stored(request)
      case .putBlockList: .committed
      case .properties: properties
      case .getBlockList: blocks
      default: .response(500, text: "not asked for")
      }
    }
    let store = try TestStore(server)
    let receipt = try store.stage(testBytes(2500)).commit(metadata: ["sha256": "00ff"])
    try store.container.verify(receipt)
    return server.requests
  }

  private func rightProperties(
    size: Int = 2500, runID: String = "0123456789abcdef", etag: String = "\"0x1\"",
    sha256: String? = "00ff", more: String = ""
  ) -> ScriptedServer.Reply {
    .properties(
      size: size, runID: runID, etag: etag,
      more: (sha256.map { "x-ms-meta-sha256: \($0)\r\n" } ?? "") + more)
  }

  private var rightBlocks: ScriptedServer.Reply {
    blockList(Array(zip(Self.ids, [1000, 1000, 500])))
  }

  @Test func `is read back: head and committed blocks`() throws {
    let requests = try verify(rightProperties(), rightBlocks)
    #expect(
      requests.suffix(2).map { "\($0.method) \($0.target)" } == [
        "HEAD \(TestStore.blobPath)",
        "GET \(TestStore.blobPath)?comp=blocklist&blocklisttype=committed",
      ])
    #expect(requests.allSatisfy { $0.isRightlySigned })
  }

  private func difference(
    _ properties: ScriptedServer.Reply, _ blocks: ScriptedServer.Reply
  ) throws -> String? {
    let error = try #require(throws: AzureError.self) { try verify(properties, blocks) }
    guard case .notAsSent(_, let difference) = error else { return nil }
    return difference
  }

  @Test func `U7: is refused where its head is not as sent`() throws {
    #expect(
      try difference(rightProperties(size: 2499), rightBlocks)
        == "it has 2499 bytes, but 2500 were sent")
    #expect(
      try difference(rightProperties(runID: "ffff"), rightBlocks)
        == "its metadata field runid is \"ffff\", but \"0123456789abcdef\" was sent")
    #expect(
      try difference(rightProperties(sha256: nil), rightBlocks)
        == "its metadata field sha256 is missing, but \"00ff\" was sent")
    #expect(
      try difference(rightProperties(etag: "\"0x2\""), rightBlocks)
        == "it was written again after the commit")
    #expect(try difference(.absent, rightBlocks) == "it is not there")
  }

  @Test func `U7: is refused where its blocks are not as sent`() throws {
    #expect(
      try difference(rightProperties(), blockList(Array(zip(Self.ids, [1000, 1000]))))
        == "it has 2 blocks, but 3 were sent")
    #expect(
      try difference(rightProperties(), blockList(Array(zip(Self.ids, [1000, 999, 501]))))
        == "block 1 has 999 bytes, but 1000 were sent")
    #expect(
      try difference(
        rightProperties(), blockList(Array(zip(Self.ids.reversed(), [1000, 1000, 500]))))
        == "block 0 is not the one that was sent")
  }

  @Test func `U11: is not believed for a Content-MD5, which the store never checked`() throws {
    let properties = rightProperties(size: 2400, more: "Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==\r\n")
    #expect(
      try difference(properties, rightBlocks) == "it has 2400 bytes, but 2500 were sent")
  }
}
