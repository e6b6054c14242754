// Connection strings, as the portal, the Azure CLI and people write them.

import Azure
import Console
import Hints
import Testing

@Suite struct `A connection string` {
  static let key = "c2VjcmV0IGtleSBvZiBhIGNvbm5lY3Rpb24gc3RyaW5nIDE="

  private func parse(_ text: String) throws -> ConnectionString {
    try ConnectionString(text, for: ContainerName("backups"))
  }

  @Test(arguments: [
    (
      "DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=\(key);"
        + "EndpointSuffix=core.windows.net", "https://acct1.blob.core.windows.net"
    ),
    ("AccountName=acct1;AccountKey=\(key)", "https://acct1.blob.core.windows.net"),
    (
      "accountname=acct1 ; ACCOUNTKEY=\(key);EndpointSuffix=core.chinacloudapi.cn;;",
      "https://acct1.blob.core.chinacloudapi.cn"
    ),
    (
      "BlobEndpoint=http://127.0.0.1:10000/acct1;AccountName=acct1;AccountKey=\(key)",
      "http://127.0.0.1:10000/acct1"
    ),
    ("\"AccountName=acct1;AccountKey=\(key)\"", "https://acct1.blob.core.windows.net"),
  ])
  func `A5: with a key names account and endpoint`(text: String, url: String) throws {
    let string = try parse(text)
    #expect(string.endpoint.account == "acct1")
    #expect("\(string.endpoint.url)" == url)
    #expect(string.credential.grant == .accountKey)
  }

  @Test(arguments: [
    (
      "BlobEndpoint=https://acct1.blob.core.windows.net/;"
        + "QueueEndpoint=https://acct1.queue.core.windows.net/;"
        + "SharedAccessSignature=\(Signatures.account)", "acct1"
    ),
    ("AccountName=acct1;SharedAccessSignature=?\(Signatures.account)", "acct1"),
    (
      "BlobEndpoint=http://127.0.0.1:10000/acct2;SharedAccessSignature=\(Signatures.account)",
      "acct2"
    ),
  ])
  func `A5: with a SAS names account and terms`(text: String, account: String) throws {
    let string = try parse(text)
    #expect(string.endpoint.account == account)
    #expect(string.credential.grant.name == "the account SAS")
  }

  @Test func `A5: of the emulator is the emulator's address and key`() throws {
    let string = try parse("UseDevelopmentStorage=true")
    #expect("\(string.endpoint.url)" == "http://127.0.0.1:10000/devstoreaccount1")
    #expect(string.credential.grant == .accountKey)
  }

  @Test(arguments: [
    "ACCOUNTNAME=acct1;accountkey=\(key);endpointSUFFIX=core.windows.net",
    "\r\n AccountName=acct1 ;\r\n AccountKey=\(key) ;\r\n",
    ";;AccountKey=\(key);AccountName=acct1;;",
    "UseDevelopmentStorage=false;AccountName=acct1;AccountKey=\(key)",
    "'AccountName=acct1;AccountKey=\(key)'",
  ])
  func `A44: may be written oddly`(text: String) throws {
    let string = try parse(text)
    #expect("\(string.endpoint.url)" == "https://acct1.blob.core.windows.net")
  }

  @Test(arguments: [
    "AccountName=evil.example/x;AccountKey=\(key)",
    "AccountName=acct1;AccountKey=\(key);EndpointSuffix=core.windows.net@evil.example",
    "AccountName=acct1;AccountKey=\(key);EndpointSuffix=evil.example#",
    "AccountName=acct1;AccountKey=\(key);EndpointSuffix=evil.example?a=b",
    "AccountName=acct1;AccountKey=\(key);EndpointSuffix=evil.example/other",
    "AccountName=acct1;AccountKey=\(key);DefaultEndpointsProtocol=ftp",
    "AccountName=acct1;AccountKey=\(key);BlobEndpoint=https://acct1?\(Signatures.container)",
  ])
  func `A44: with an address that would lead elsewhere is refused, and not shown`(text: String) {
    let fault = #expect(throws: ConnectionStringFault.self) { try parse(text) }
    guard case .unusableAddress? = fault else {
      Issue.record("\(String(describing: fault))")
      return
    }
    #expect(!"\(fault ?? .malformed)".contains(Signatures.secret))
  }

  @Test(arguments: [
    ("acct1", ConnectionStringFault.malformed), ("", .malformed),
    ("AccountName=a1b;AccountName=a1c;AccountKey=\(key)", .malformed),
    ("AccountName=acct1", .noCredential), ("AccountName=acct1;AccountKey=", .noCredential),
    (
      "AccountName=acct1;AccountKey=\(key);SharedAccessSignature=\(Signatures.account)",
      .twoCredentials
    ),
    ("BlobEndpoint=https://acct1.blob.core.windows.net;AccountKey=\(key)", .noAccount),
    ("AccountKey=\(key)", .noAddress),
    (
      "BlobSecondaryEndpoint=https://a-secondary;AccountName=acct1;AccountKey=\(key)",
      .secondaryOnly
    ),
    ("AccountName=acct1;AccountKey=no base64!", .unusableKey),
    (
      "AccountName=acct1;SharedAccessSignature=sv=2022-11-02",
      .signature(.notASignature(nil))
    ),
  ])
  func `A5: that cannot be used is refused with reason and remedy`(
    text: String, fault: ConnectionStringFault
  ) {
    #expect(throws: fault) { try parse(text) }
    #expect(!fault.hint.isEmpty)
  }

  @Test func `A5: with an address that is none is refused`() {
    let fault = #expect(throws: ConnectionStringFault.self) {
      try parse("BlobEndpoint=ftp://acct1;AccountName=acct1;AccountKey=\(Self.key)")
    }
    #expect("\(fault ?? .malformed)".contains("https://account.blob.core.windows.net"))
  }

  @Test func `A6: is shown nowhere, also where it cannot be used`() {
    let key = "Zm9yIHRoaXMgdGVzdCBvbmx5LCBhbmQgZm9yIG5vIG90aGVy"
    #expect(throws: ConnectionStringFault.self) { try parse("AccountKey=\(key)") }
    #expect(Secrets.redact("a \(key) b") == "a <redacted> b")
  }
}
