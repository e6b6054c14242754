// Tokens: how they are asked for, when they are renewed, and what a refusal of the issuer or of the store leads to.

import Azure
import Console
import Foundation
import Hints
import HTTP
import Testing
import TestSupport

/// Goes on only when a test says so.
private final class TestClock {
  private(set) var time = ContinuousClock.now

  func advance(by duration: Duration) { time += duration }
}

/// An issuer of tokens and a store, played by one server: it numbers the tokens it gives.
private final class Issuer {
  let server: ScriptedServer
  let issued = Counter()
  let clock = TestClock()

  /// `store` answers what is no request for a token.
  init(
    lifetime: Int = 3600, issue: @escaping @Sendable (Int) -> ScriptedServer.Reply? = { _ in nil },
    store: @escaping @Sendable (RecordedRequest) -> ScriptedServer.Reply
  ) {
    let issued = issued
    server = ScriptedServer { request in
      guard request.path.hasSuffix("/token") else { return store(request) }
      let number = issued.next()
      return issue(number)
        ?? .response(
          200,
          json:
            #"{"token_type":"Bearer","expires_in":\#(lifetime),"access_token":"token-\#(number)"}"#)
    }
  }

  var identity: Identity {
    get throws {
      .servicePrincipal(
        Principal(
          clientID: "client-1", tenantID: "tenant-1", authority: try ServerURL(service: server.url)),
        .secret(ClientSecret("s+e/c=r&e~t")))
    }
  }

  func store(_ identity: Identity? = nil) throws -> TestStore {
    let identity = try identity ?? self.identity
    return try TestStore(
      server,
      credentialOver: { transport in
        StorageCredential(
          TokenSource(
            identity, transport: transport, connection: Connection(),
            retryPolicy: RetryPolicy(
              maximumAttempts: 3, firstDelay: .milliseconds(10), longestDelay: .milliseconds(20)),
            now: { [clock = self.clock] in clock.time }))
      })
  }

  var exchanges: [RecordedRequest] { server.requests.filter { $0.path.hasSuffix("/token") } }
  var asked: [RecordedRequest] { server.requests.filter { !$0.path.hasSuffix("/token") } }
}

private let emptyList: ScriptedServer.Reply = .response(
  200, text: "<EnumerationResults><Blobs/></EnumerationResults>")

private func expired(_ detail: String = "Lifetime validation failed. The token is expired.")
  -> ScriptedServer.Reply
{
  .refusal(401, "InvalidAuthenticationInfo", detail: detail)
}

private func entra(_ number: Int, _ code: String = "invalid_client", status: Int = 401)
  -> ScriptedServer.Reply
{
  .response(
    status,
    json: #"{"error":"\#(code)","error_description":"AADSTS\#(number): No.\r\nTrace ID: t","#
      + #""correlation_id":"c-1"}"#)
}

@Suite struct `A token` {
  @Test func `A10: is asked for with a secret, in five fields, and authorises requests`() throws {
    let issuer = Issuer { _ in emptyList }
    _ = try issuer.store().container.probe(under: "p/")
    let exchange = issuer.exchanges[0]
    #expect("\(exchange.method) \(exchange.target)" == "POST /tenant-1/oauth2/v2.0/token")
    #expect(exchange["content-type"] == "application/x-www-form-urlencoded")
    #expect(
      exchange.bodyText == "client_id=client-1&scope=https%3A%2F%2Fstorage.azure.com%2F.default"
        + "&grant_type=client_credentials&client_secret=s%2Be%2Fc%3Dr%26e~t")
    #expect(issuer.asked.map { $0["authorization"] } == ["Bearer token-1"])
  }

  @Test func `A10: is asked for with the federated token, which is read anew each time`() throws {
    let issuer = Issuer(lifetime: 10) { _ in emptyList }
    let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID())")
    defer { try? FileManager.default.removeItem(at: file) }
    guard case .servicePrincipal(let principal, _) = try issuer.identity else { return }
    let store = try issuer.store(.workload(principal, tokenFile: file.path))
    for text in ["first", "second\n"] {
      try Data(text.utf8).write(to: file)
      _ = try store.container.probe(under: "p/")
      issuer.clock.advance(by: .seconds(10))
    }
    #expect(
      issuer.exchanges.map { $0.bodyText.split(separator: "&").last } == [
        "client_assertion=first", "client_assertion=second",
      ])
    #expect(
      issuer.exchanges[0].bodyText.contains(
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"))
  }

  @Test func `A11: of the machine is asked of IMDS, and its numbers may be texts`() throws {
    let issuer = Issuer(issue: { _ in
      .response(200, json: #"{"access_token":"t","expires_in":"86399","token_type":"Bearer"}"#)
    }) { _ in emptyList }
    let store = try issuer.store(
      .managed(clientID: "id-1", server: try ServerURL(service: issuer.server.url)))
    _ = try store.container.probe(under: "p/")
    let exchange = issuer.exchanges[0]
    #expect(
      exchange.target == "/metadata/identity/oauth2/token?api-version=2018-02-01"
        + "&resource=https%3A%2F%2Fstorage.azure.com&client_id=id-1")
    #expect(exchange["metadata"] == "true")
    #expect(issuer.asked.map { $0["authorization"] } == ["Bearer t"])
  }

  @Test func `A12: serves all requests of its life`() throws {
    let issuer = Issuer { _ in emptyList }
    let store = try issuer.store()
    for _ in 0..<3 { _ = try store.container.probe(under: "p/") }
    #expect(issuer.exchanges.count == 1)
  }

  @Test func `A12: is renewed in the background before its end`() throws {
    let issuer = Issuer(lifetime: 4000) { _ in emptyList }
    let store = try issuer.store()
    _ = try store.container.probe(under: "p/")
    issuer.clock.advance(by: .seconds(3401))
    // Ten minutes before its end: the old one is sent, and the next one fetched beside it.
    _ = try store.container.probe(under: "p/")
    try store.transport.wait(for: "the renewal") { issuer.exchanges.count == 2 }
    repeat {
      try store.transport.sleep(for: .milliseconds(100), before: "its response")
      _ = try store.container.probe(under: "p/")
    } while issuer.asked.count < 500 && issuer.asked.last?["authorization"] == "Bearer token-1"
    #expect(issuer.asked.prefix(2).allSatisfy { $0["authorization"] == "Bearer token-1" })
    #expect(issuer.asked.last?["authorization"] == "Bearer token-2")
    #expect(issuer.exchanges.count == 2)
  }

  @Test func `U9: A12: of five minutes, one after another, serve an upload of an hour`() throws {
    // Of 20 seconds each.
    let (steps, refused) = (Counter(), Counter())
    let issuer = Issuer(issue: { _ in
      .response(200, json: #"{"expires_in":300,"access_token":"issued-at-\#(steps.count)"}"#)
    }) { request in
      let issued = Int(request["authorization"]?.dropFirst("Bearer issued-at-".count) ?? "") ?? -15
      guard steps.count - issued < 15 else {
        _ = refused.next()
        return expired()
      }
      return .stored(request)
    }
    let store = try issuer.store()
    var upload = store.startUpload()
    for _ in 0..<180 {
      try upload.append(testBytes(1000))
      issuer.clock.advance(by: .seconds(20))
      _ = steps.next()
    }
    try upload.finishBlocks()
    #expect(Set(issuer.asked.map(\.query)).count == 180)
    #expect(refused.count == 0)
    // Each is renewed after three quarters of its life.
    #expect((12...18).contains(issuer.exchanges.count), "\(issuer.exchanges.count)")
  }

  @Test func `A12: serves on where its renewal fails, until its end`() throws {
    let issuer = Issuer(lifetime: 4000, issue: { $0 == 2 ? .response(503, text: "") : nil }) { _ in
      emptyList
    }
    let store = try issuer.store()
    _ = try store.container.probe(under: "p/")
    issuer.clock.advance(by: .seconds(3401))
    _ = try store.container.probe(under: "p/")
    try store.transport.wait(for: "the renewal") { issuer.exchanges.count == 2 }
    try store.transport.sleep(for: .seconds(1), before: "its response")
    _ = try store.container.probe(under: "p/")
    issuer.clock.advance(by: .seconds(540))
    _ = try store.container.probe(under: "p/")
    #expect(
      issuer.asked.map { $0["authorization"] } == [
        "Bearer token-1", "Bearer token-1", "Bearer token-1", "Bearer token-3",
      ])
  }

  @Test func `A13: that six blocks in flight find expired is replaced once`() throws {
    let issuer = Issuer { request in
      request["authorization"] == "Bearer token-1" ? expired() : .stored(request)
    }
    let store = try issuer.store()
    try store.stage(testBytes(6000), blockSize: 1000, blocksInFlight: 6)
    #expect(issuer.exchanges.count == 2)
    let stored = issuer.asked.filter { $0["authorization"] == "Bearer token-2" }
    #expect(Set(stored.map(\.query)).count == 6 && stored.count == 6)
  }

  @Test func `A13: that the commit finds expired is replaced, and the blob is committed`() throws {
    let issuer = Issuer { request in
      guard request.kind == .putBlockList else { return .stored(request) }
      return request["authorization"] == "Bearer token-1" ? expired() : .committed
    }
    let upload = try issuer.store().stage(testBytes(100))
    _ = try upload.commit(metadata: BlobMetadata())
    #expect(issuer.exchanges.count == 2)
    #expect(issuer.asked.map(\.kind) == [.putBlock, .putBlockList, .putBlockList])
  }

  @Test func `A13: that is refused twice in a row is given up`() throws {
    let issuer = Issuer { _ in expired("Audience validation failed. Audience did not match.") }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(error.isConfiguration)
    #expect(issuer.exchanges.count == 2)
    #expect(issuer.asked.count == 2)
  }

  @Test func `A39: is not replaced for ever for one block that is always refused`() throws {
    let issuer = Issuer { request in
      // Without its padding, which is percent-encoded there.
      request.query.contains(BlockID(run: TestStore.runID, index: 0).description.dropLast(2))
        ? expired() : .stored(request)
    }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) {
      try store.stage(testBytes(50_000), blockSize: 1000, blocksInFlight: 6)
    }
    #expect(error.isConfiguration)
    #expect(issuer.exchanges.count == 2)
  }

  @Test func `A13: may be refused again after the store accepted it`() throws {
    let asked = Counter()
    let issuer = Issuer { _ in asked.next().isMultiple(of: 2) ? expired() : emptyList }
    let store = try issuer.store()
    for _ in 0..<4 { _ = try store.container.probe(under: "p/") }
    #expect(issuer.exchanges.count == 4)
  }

  @Test func `A14: whose issuer is away is asked for again, and told where that is in vain`() throws
  {
    let issuer = Issuer(issue: { $0 < 3 ? .response(503, text: "") : nil }) { _ in emptyList }
    _ = try issuer.store().container.probe(under: "p/")
    #expect(issuer.exchanges.count == 3)
    let away = Issuer(issue: { _ in .response(503, text: "") }) { _ in emptyList }
    let store = try away.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(!error.isConfiguration)
    #expect(error.description.contains("after 3 attempts"))
    #expect(away.asked.isEmpty)
  }

  @Test(arguments: [
    (700_016, "unauthorized_client", "AZURE_CLIENT_ID"),
    (90002, "invalid_request", "AZURE_TENANT_ID"),
    (7_000_215, "invalid_client", "not its id"), (7_000_222, "invalid_client", "expired"),
    (700_027, "invalid_client", "certificate"), (50105, "access_denied", "Assign"),
    (53003, "access_denied", "Conditional Access"), (4711, "invalid_client", "client-1"),
  ])
  func `A15: that is refused ends in cause and remedy`(number: Int, code: String, hint: String)
    throws
  {
    let issuer = Issuer(issue: { _ in entra(number, code) }) { _ in emptyList }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(error.isConfiguration)
    #expect(error.description.contains("AADSTS\(number): No. (correlation id c-1)"))
    #expect(error.hint?.contains(hint) == true, "\(error.hint ?? "")")
    #expect(issuer.exchanges.count == 1)
    #expect(!"\(error)".contains("s+e/c=r"))
  }

  @Test func `A15: that an outdated assertion did not get is asked for again with a new one`()
    throws
  {
    let issuer = Issuer(issue: { $0 == 1 ? entra(700_024) : nil }) { _ in emptyList }
    _ = try issuer.store().container.probe(under: "p/")
    #expect(issuer.exchanges.count == 2)
  }

  @Test func `A15: that a proxy keeps back is told with what responded`() throws {
    let issuer = Issuer(issue: { _ in .response(403, text: "<html>Blocked</html>") }) { _ in
      emptyList
    }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(error.hint?.contains("AZURE_AUTHORITY_HOST") == true)
    #expect(error.description.contains("responded 403"))
  }

  @Test(arguments: [
    #"{"access_token":"t"}"#, "<html/>", #"{"access_token":"a b","expires_in":9}"#, "{}",
  ])
  func `A15: that cannot be used is no token`(json: String) throws {
    let issuer = Issuer(issue: { _ in .response(200, json: json) }) { _ in emptyList }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(error.description.contains("holds no token that can be used"))
  }

  @Test(arguments: [
    "0", "-5", "-9223372036854775808", "-1e30", "\"\"", "\"soon\"", "null", "[]", "true",
    "0,\"expires_on\":-9223372036854775808", "null,\"expires_on\":0",
  ])
  func `A44: that has no time to live is no token`(life: String) throws {
    let issuer = Issuer(issue: { _ in
      .response(200, json: #"{"access_token":"t0ken1","expires_in":\#(life)}"#)
    }) { _ in emptyList }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(error.description.contains("no time to live"))
    #expect(issuer.exchanges.count == 1 && issuer.asked.isEmpty)
  }

  @Test(arguments: [
    "1000000000000000000", "1e18", "1e30", "9223372036854775807", "\"9223372036854775807\"",
    "null,\"expires_on\":9223372036854775807",
  ])
  func `A44: that claims to live for ever is renewed within a day`(life: String) throws {
    let issuer = Issuer(issue: { _ in
      .response(200, json: #"{"access_token":"t0ken1","expires_in":\#(life)}"#)
    }) { _ in emptyList }
    let store = try issuer.store()
    _ = try store.container.probe(under: "p/")
    #expect(issuer.exchanges.count == 1)
    issuer.clock.advance(by: .seconds(86_400))
    _ = try store.container.probe(under: "p/")
    #expect(issuer.exchanges.count == 2)
  }

  @Test func `A44: in a response that is too large is not read`() throws {
    let token = String(repeating: "t", count: 300_000)
    let issuer = Issuer(issue: { _ in
      .response(200, json: #"{"access_token":"\#(token)","expires_in":3600}"#)
    }) { _ in emptyList }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(error.description.utf8.count < 1000)
    #expect(issuer.exchanges.count == 1 && issuer.asked.isEmpty)
  }

  @Test(arguments: [301, 302, 307, 308])
  func `A44: is not asked for where a redirect leads`(status: Int) throws {
    let other = ScriptedServer { _ in emptyList }
    let issuer = Issuer(issue: { _ in
      .response(status, headers: ["Location": "\(other.url)/tenant/oauth2/v2.0/token"], text: "")
    }) { _ in emptyList }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(error.description.contains("responded \(status)"))
    #expect(other.requests.isEmpty && issuer.exchanges.count == 1)
  }

  @Test func `A44: whose issuer repeats the secret is refused without it`() throws {
    let secret = "s+e/c=r&e~t"
    let issuer = Issuer(issue: { _ in
      .response(
        400,
        json: #"{"error":"\#(secret) \#(String(repeating: "x", count: 5000))","error_description":"#
          + #""AADSTS1: \#(secret)","correlation_id":"\#(secret)"}"#)
    }) { _ in emptyList }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(!Secrets.redact(error.description).contains(secret))
    #expect(error.description.utf8.count < 1000)
  }

  @Test(arguments: [
    ("AuthorizationPermissionMismatch", 403, "Storage Blob Data Contributor"),
    ("AuthorizationFailure", 403, "firewall"),
  ])
  func `A16: that the store does not let in tells the role that lacks`(
    code: String, status: Int, hint: String
  ) throws {
    let issuer = Issuer { _ in .refusal(status, code) }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(error.isConfiguration)
    #expect(error.hint?.contains(hint) == true, "\(error.hint ?? "")")
    #expect(issuer.exchanges.count == 1)
  }

  @Test func `A16: of another tenant than the account's is told with both`() throws {
    let issuer = Issuer { _ in
      .refusal(
        401, "InvalidAuthenticationInfo", detail: "Issuer validation failed.",
        headers: [
          "WWW-Authenticate":
            "Bearer authorization_uri=https://login.microsoftonline.com/tenant-2/oauth2/authorize "
            + "resource_id=https://storage.azure.com"
        ])
    }
    let store = try issuer.store()
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(error.hint?.contains("which is tenant-2") == true, "\(error.hint ?? "")")
    #expect(error.isConfiguration)
  }

  @Test func `A17: claims are read for messages, whoever signed them`() throws {
    let claims = #"{"iss":"https://issuer/","sub":"system:serviceaccount:a:b","aud":["x"]}"#
    let token = "e30.\(Data(claims.utf8).base64EncodedString().replacing("=", with: "")).c2ln"
    let read = try #require(TokenClaims(of: token))
    #expect(read.issuer == "https://issuer/" && read.audience == "x")
    #expect(read.subject == "system:serviceaccount:a:b")
    #expect(TokenClaims(of: "no.token") == nil)
    let long = String(repeating: "A", count: 100_000)
    for odd in ["..", "a.b.c", "e30.e30.", "e30.\(long).e30", "e30.W10.e30"] {
      _ = TokenClaims(of: odd)
    }
  }
}

@Suite struct `A cloud` {
  @Test(arguments: [
    ("https://a.blob.core.windows.net", "https://login.microsoftonline.com", Cloud.publicCloud),
    ("https://a.blob.core.usgovcloudapi.net", "login.microsoftonline.us", .usGovernment),
    ("https://a.z12.blob.storage.azure.net", "login.windows.net", .publicCloud),
    ("https://a.blob.core.chinacloudapi.cn", "https://login.partner.microsoftonline.cn/", .china),
  ])
  func `A18: has its endpoints and its authority`(blob: String, authority: String, cloud: Cloud)
    throws
  {
    #expect(Cloud(blobEndpoint: try ServerURL(service: blob)) == cloud)
    #expect(Cloud(authority: try ServerURL(authority: authority)) == cloud)
  }

  @Test func `A18: has an authority that is asked over https alone`() {
    #expect(throws: InvalidValue.self) { try ServerURL(authority: "http://login.example") }
  }
}
