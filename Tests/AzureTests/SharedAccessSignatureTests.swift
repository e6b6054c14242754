// Shared access signatures: what they say, which are refused before anything is sent, and how requests carry them.

import Azure
import Console
import Hints
import HTTP
import Testing
import TestSupport

/// Signatures as the portal and Microsoft's clients write them; none of them opens anything.
enum Signatures {
  static let secret = "%2BTjbqIXFs6EzjMxdSfrrterFRRUGroHAyj9%2FkEc2a8E%3D"
  static let decodedSecret = "+TjbqIXFs6EzjMxdSfrrterFRRUGroHAyj9/kEc2a8E="
  static let container =
    "sp=racwdl&st=2025-01-01T00:00:00Z&se=2025-04-01T08:15:30Z&spr=https,http&sv=2022-11-02&sr=c&sig="
    + secret
  static let account =
    "sv=2022-11-02&ss=bf&srt=sco&sp=rwdlac&se=2025-04-01&sig=" + secret
  static let delegated =
    "sp=rwl&se=2025-03-20T00:00Z&skoid=a&sktid=b&skt=2025-03-01T00:00:00Z"
    + "&ske=2025-03-07T00:00:00.1234567Z&sks=b&skv=2022-11-02&sv=2022-11-02&sr=c&sig=" + secret
  static let ofPolicy = "si=backups&sv=2022-11-02&sr=c&sig=" + secret
}

func signature(
  _ text: String, at url: String? = nil
) throws -> SharedAccessSignature {
  let endpoint = try StorageEndpoint(account: "acct1", url: url.map { try ServerURL(service: $0) })
  return try SharedAccessSignature(text, for: ContainerName("backups"), at: endpoint)
}

@Suite struct `A shared access signature` {
  @Test func `A1: of a container says what it allows and until when`() throws {
    let terms = try signature(Signatures.container).terms
    #expect(
      "\(terms)" == "a container SAS with permissions racwdl, from 2025-01-01T00:00:00Z, "
        + "until 2025-04-01T08:15:30Z")
    #expect(terms.lacking(of: "rwdl") == "")
  }

  @Test func `A1: of an account says what it allows and until when`() throws {
    let terms = try signature(Signatures.account).terms
    #expect(
      "\(terms)" == "an account SAS with permissions rwdlac, until 2025-04-01T00:00:00Z")
  }

  @Test func `A1: of a user's delegation ends with the key that signed it`() throws {
    let terms = try signature(Signatures.delegated).terms
    #expect(
      "\(terms)" == "a user delegation SAS with permissions rwl, until 2025-03-07T00:00:00Z")
    #expect(terms.lacking(of: "rwdl") == "d")
  }

  @Test func `A1: of a stored access policy promises nothing of its own`() throws {
    let terms = try signature(Signatures.ofPolicy).terms
    #expect("\(terms)" == "a container SAS of the stored access policy \"backups\"")
    #expect(terms.expiry == nil)
    #expect(terms.lacking(of: "rwdl") == "")
  }

  @Test(arguments: [
    "?\(Signatures.container)", "&\(Signatures.container)&",
    "https://acct1.blob.core.windows.net/backups?\(Signatures.container)",
    "https://ACCT1.blob.core.windows.net/?\(Signatures.container)",
  ])
  func `A1: is taken with what the portal puts in front of it`(text: String) throws {
    #expect(try signature(text).terms == signature(Signatures.container).terms)
  }

  @Test(arguments: [
    ("2025-04-01", 1_743_465_600), ("2025-04-01T08:15Z", 1_743_495_300),
    ("2025-04-01T08:15:30Z", 1_743_495_330), ("2025-04-01T08:15:30.1234567Z", 1_743_495_330),
    ("2025-04-01T09:15:30+01:00", 1_743_495_330), ("2024-02-29T00:00Z", 1_709_164_800),
  ])
  func `A1: has times in each of Azure's formats`(text: String, seconds: Int) {
    #expect(ISO8601.parseAny(text) == seconds)
  }

  @Test(arguments: [
    "", "2025", "2025-02-29", "2025-13-01", "2025-04-01T", "2025-04-01T08:15", "2025-04-01T24:00Z",
    "2025-04-01T08:15:30.12345678Z", "2025-04-01T08:15:30.Z", "2025-04-01 08:15Z", "20250401",
    "2025-04-01T08:15:30+1:00", "٢٠٢٥-04-01",
  ])
  func `A1: has no time that Azure would not take`(text: String) {
    #expect(ISO8601.parseAny(text) == nil)
  }

  static let unusable: [(String, SignatureFault)] = [
    ("", .notASignature(nil)),
    ("sv=2022-11-02&sr=c&sp=rwdl&se=2025-04-01", .notASignature(nil)),
    ("\(Signatures.container)&sp=r", .repeatedField("sp")),
    ("\(Signatures.container)&SIG=\(Signatures.secret)", .repeatedField("SIG")),
    ("sr=c&sp=rwdl&se=2025-04-01&sig=\(Signatures.secret)", .fieldMissing("sv")),
    ("sv=&sr=c&sp=rwdl&se=2025-04-01&sig=", .cut),
    ("sv=2022-11-02&sr=c&sp=rwdl&se=2025-04-01&sig=%", .notASignature(nil)),
    ("sv=2022-11-02\n&sr=c&sig=\(Signatures.secret)", .notASignature(nil)),
    (TestStore.key, .notASignature(.accountKey)),
    ("AccountName=acct1;AccountKey=\(TestStore.key)", .notASignature(.connectionString)),
    ("BlobEndpoint=https://acct1/;SharedAccessSignature=sv=1", .notASignature(.connectionString)),
    (String(Signatures.container.dropLast(6)), .cut),
    ("sv=2022-11-02&sr=c&se=2025-04-01&sig=\(Signatures.secret)", .fieldMissing("sp")),
    ("sv=2022-11-02&sr=c&sp=rwdl&sig=\(Signatures.secret)", .fieldMissing("se")),
    ("sv=2022-11-02&sp=rwdl&se=2025-04-01&sig=\(Signatures.secret)", .fieldMissing("sr")),
    ("restype=container&comp=list&\(Signatures.container)", .foreignField("comp")),
    ("sv=2022-11-02&sr=c&sp=rwdl&se=tomorrow&sig=\(Signatures.secret)", .unreadableTime("se")),
    ("\(Signatures.delegated)&sduoid=u", .bound("sduoid")),
    ("\(Signatures.delegated)&srh=x-ms-y", .bound("srh")),
    ("sv=2022-11-02&ss=fq&srt=co&sp=rwdl&se=2025-04-01&sig=\(Signatures.secret)", .otherService),
    (
      "sv=2022-11-02&ss=b&srt=o&sp=rwdl&se=2025-04-01&sig=\(Signatures.secret)",
      .resourceTypes("o")
    ),
    ("sv=2022-11-02&sr=b&sp=rwdl&se=2025-04-01&sig=\(Signatures.secret)", .otherResource("b")),
    (
      "https://other.blob.core.windows.net/backups?\(Signatures.container)",
      .otherAddress(expected: "https://acct1.blob.core.windows.net/backups")
    ),
    (
      "https://acct1.blob.core.windows.net/others?\(Signatures.container)",
      .otherAddress(expected: "https://acct1.blob.core.windows.net/backups")
    ),
  ]

  @Test(arguments: unusable)
  func `A2: that cannot be used is refused with the reason`(text: String, fault: SignatureFault) {
    #expect(throws: fault) { try signature(text) }
  }

  @Test(arguments: unusable.map(\.1))
  func `A2: that cannot be used is refused with a remedy`(fault: SignatureFault) {
    #expect(fault.hint.first?.isUppercase == true && fault.hint.hasSuffix("."))
    #expect(!"\(fault)".contains(Signatures.secret))
  }

  @Test func `A2: for https only is refused where the endpoint is http`() throws {
    let text = Signatures.container.replacing("spr=https,http", with: "spr=https")
    _ = try signature(text)
    #expect(throws: SignatureFault.needsHTTPS) {
      try signature(text, at: "http://127.0.0.1:10000/acct1")
    }
  }

  @Test func `A6: is shown nowhere, also not by an error that could not read it`() throws {
    let secret = "k2pD7SYvEo1X8mCzZ3hQkW0n5bUj9tLrGfAaIeOc%3D"
    #expect(throws: SignatureFault.self) { try signature("sv=2022-11-02&SIG=\(secret)") }
    for text in [secret, secret.replacing("%3D", with: "="), secret.replacing("%", with: "%25")] {
      #expect(Secrets.redact("a \(text) b") == "a <redacted> b")
    }
    var dumped = ""
    dump(try signature(Signatures.container), to: &dumped)
    #expect(!dumped.contains("sig="))
    #expect(dumped.contains("a container SAS"))
  }
}

@Suite struct `A request with a shared access signature` {
  private func store(_ server: ScriptedServer, _ text: String = Signatures.container) throws
    -> TestStore
  {
    let signature = try SharedAccessSignature(
      text, for: ContainerName("backups"),
      at: StorageEndpoint(
        account: TestStore.account, url: ServerURL(service: "\(server.url)/\(TestStore.account)")))
    return try TestStore(server, credential: StorageCredential(signature))
  }

  @Test func `A3: carries it as it was issued, behind its own query, and nothing else`() throws {
    let server = ScriptedServer { request in .stored(request) }
    let store = try store(server)
    try store.container.stageBlock(at: store.blob, runID: TestStore.runID)
    let request = server.requests[0]
    #expect(request.query.hasPrefix("comp=block&blockid="))
    #expect(request.query.hasSuffix("&\(Signatures.container)"))
    #expect(request["authorization"] == nil)
    #expect(request["x-ms-version"] == "2021-12-02")
  }

  @Test func `A3: carries it where there is no other query`() throws {
    let server = ScriptedServer { _ in .response(202) }
    let store = try store(server)
    _ = try store.container.delete(store.blob)
    #expect(server.requests[0].query == Signatures.container)
  }

  @Test func `A6: that is refused shows none of it`() throws {
    let server = ScriptedServer { _ in
      .refusal(
        403, "AuthenticationFailed", detail: "Signature did not match \(Signatures.decodedSecret)")
    }
    let store = try store(server)
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(!"\(error) \(error.hint ?? "")".contains(Signatures.decodedSecret))
    #expect(!"\(error)".contains("sig="))
    #expect(error.isConfiguration)
  }

  static let refusals: [(code: String, detail: String?, signature: String, hint: String)] = [
    (
      "AuthenticationFailed", "Signature did not match. String to sign used was rwl",
      Signatures.container, "the key that signed it was rotated"
    ),
    (
      "AuthenticationFailed", "Signature did not match.", Signatures.delegated,
      "the delegation key that signed it was revoked"
    ),
    (
      "AuthenticationFailed", "Signature not valid in the specified time frame: Start [a]",
      Signatures.container.replacing("se=2025-04-01T08:15:30Z", with: "se=2025-02-01"),
      "Create a new SAS: this one expired at 2025-02-01T00:00:00Z."
    ),
    (
      "AuthenticationFailed", "Signature not valid in the specified time frame: Start [a]",
      Signatures.container.replacing("st=2025-01-01", with: "st=2025-03-02"),
      "Wait until 2025-03-02T00:00:00Z"
    ),
    (
      "AuthenticationFailed",
      "The specified signed resource is not allowed for the this resource level",
      Signatures.container, "Create a SAS for the container (sr=c)"
    ),
    (
      "AuthorizationPermissionMismatch", nil,
      Signatures.container.replacing("racwdl", with: "rwd"),
      "Create a SAS with list (l): List Blobs needs it, and this one allows rwd."
    ),
    (
      "AuthorizationPermissionMismatch", nil, Signatures.delegated,
      "the role Storage Blob Data Contributor"
    ),
    ("AuthorizationResourceTypeMismatch", nil, Signatures.account, "srt=co"),
    ("AuthorizationServiceMismatch", nil, Signatures.account, "ss=b"),
    ("AuthorizationSourceIPMismatch", nil, Signatures.container, "sip"),
    ("AuthorizationProtocolMismatch", nil, Signatures.container, "https"),
    ("KeyBasedAuthenticationNotPermitted", nil, Signatures.container, "user delegation SAS"),
  ]

  @Test(arguments: refusals)
  func `A4: that is refused ends in the cause and the remedy`(
    row: (code: String, detail: String?, signature: String, hint: String)
  ) throws {
    let server = ScriptedServer { _ in .refusal(403, row.code, detail: row.detail) }
    let store = try store(server, row.signature)
    let error = try #require(throws: AzureError.self) { try store.container.probe(under: "p/") }
    #expect(error.isConfiguration)
    #expect(error.hint?.contains(row.hint) == true, "\(error.hint ?? "")")
    #expect(error.hint?.contains("storage-key") == false)
    #expect(server.requests.count == 1)
  }
}
