// What went wrong on the wire: its kind, its words, its hint, and no secret.

import Certificates
import Hints
import HTTP
import Testing
import TestSupport

@Suite struct `A transfer error` {
  private func failure(
    to url: String, _ method: String = "GET", body: Payload? = nil,
    _ adjust: (inout Connection) -> Void = { _ in }
  ) -> TransferError? {
    var connection = Connection()
    adjust(&connection)
    return #expect(throws: TransferError.self) {
      try Transport().send(Request(method, url, body: body), over: connection)
    }
  }

  // MARK: Kinds

  @Test func `noConnection: nobody listens`() {
    let port = UnreachablePort(.refusing)
    #expect(failure(to: port.url)?.kind == .noConnection)
  }

  @Test func `timedOut: connecting takes too long`() {
    let port = UnreachablePort(.silent)
    let began = ContinuousClock.now
    #expect(failure(to: port.url) { $0.timeouts.connect = .milliseconds(300) }?.kind == .timedOut)
    #expect(ContinuousClock.now - began < .seconds(9))
  }

  /// A label of a host name has at most 63 characters, so no DNS server needs to be asked.
  @Test func `unknownHost: the name cannot be resolved`() {
    let host = String(repeating: "a", count: 64) + ".invalid"
    #expect(failure(to: "http://\(host)/")?.kind == .unknownHost)
  }

  @Test func `unknownProxy: the proxy's name cannot be resolved`() {
    let proxy = String(repeating: "a", count: 64) + ".invalid"
    let error = failure(to: "https://a.example/") { $0.proxy = .url("http://\(proxy):3128") }
    #expect(error?.kind == .unknownProxy)
    #expect(error?.hint?.contains("https_proxy") == true)
  }

  @Test(arguments: [
    "ftp://user:s-cret-Passw0rd@127.0.0.1:1", "http://user:s/cret-Passw0rd@127.0.0.1:1",
    "http://user:s-cret-Passw0rd@127.0.0.1:99999", "http://user:s-cret-Passw0rd@[::1",
  ])
  func `K3: unusableProxy: libcurl cannot use the URL of the proxy, and no retry can help`(
    url: String
  ) throws {
    let error = try #require(failure(to: "https://a.example/") { $0.proxy = .url(url) })
    #expect(error.kind == .unusableProxy)
    #expect(error.isConfiguration && !error.isTransient)
  }

  @Test func `timedOut: the answer takes too long`() {
    let server = ScriptedServer { _ in [.hold] }
    #expect(failure(to: server.url) { $0.timeouts.total = .milliseconds(300) }?.kind == .timedOut)
  }

  @Test(arguments: [Duration.zero, .microseconds(1), .seconds(-5)])
  func `timedOut: there was no time left to begin with`(total: Duration) {
    let server = ScriptedServer { _ in [.hold] }
    #expect(failure(to: server.url) { $0.timeouts.total = total }?.kind == .timedOut)
  }

  @Test func `stalled: no first byte comes`() {
    let server = ScriptedServer { _ in [.hold] }
    #expect(failure(to: server.url) { $0.timeouts.stall = .seconds(1) }?.kind == .stalled)
  }

  @Test func `stalled: nobody reads the body`() {
    let server = ScriptedServer(beforeBody: { _ in [.hold] }, answering: { _ in [] })
    let body = Payload(Array(repeating: 1, count: 64 << 20))
    let error = failure(to: server.url, "PUT", body: body) { $0.timeouts.stall = .seconds(1) }
    #expect(error?.kind == .stalled)
  }

  @Test func `cutShort: the connection is reset while the body is sent`() {
    let server = ScriptedServer(
      beforeBody: { _ in [.readBody(upTo: 100_000), .reset] }, answering: { _ in [] })
    let error = failure(to: server.url, "PUT", body: Payload(Array(repeating: 1, count: 64 << 20)))
    #expect(error?.kind == .cutShort)
  }

  @Test(arguments: [ScriptedServer.Action.close, .reset])
  func `cutShort: no answer at all`(end: ScriptedServer.Action) {
    let server = ScriptedServer { _ in [end] }
    #expect(failure(to: server.url)?.kind == .cutShort)
  }

  @Test func `handshakeFailed: the port does not speak TLS`() {
    let server = ScriptedServer { _ in [.close] }
    #expect(failure(to: "https://\(server.address)/")?.kind == .handshakeFailed)
  }

  @Test func `unusableCredentials: the client's key is too weak for OpenSSL`() throws {
    let server = ScriptedServer { _ in [.close] }
    let weak = TestCertificate.weak
    let identity = try ClientIdentity(
      certificate: PEMText(Array(weak.certificate.utf8), named: "tls.crt"),
      key: PEMText(Array(weak.key.utf8), named: "tls.key"))
    let error = failure(to: "https://\(server.address)/") { $0.identity = identity }
    #expect(error?.kind == .unusableCredentials)
  }

  // MARK: Words

  @Test func `never shows a query`() {
    let holding = ScriptedServer { _ in [.hold] }
    let cutting = ScriptedServer { _ in [.send("HTTP/1.1 200 OK\r\nContent-Le"), .reset] }
    let babbling = ScriptedServer { _ in [.send("220 smtp\r\n"), .close] }
    let places = [
      UnreachablePort(.refusing).url, holding.url, cutting.url, babbling.url,
      "https://\(babbling.address)", "http://no host", "http://127.0.0.1:99999",
      "http://[::zz]", "ftp://127.0.0.1", "nonsense", "http://\(String(repeating: "a", count: 64))",
    ]
    for place in places {
      let error = failure(to: "\(place)/c/b?sig=secret", "PUT") {
        $0.timeouts.total = .milliseconds(300)
      }
      #expect(error?.request == "PUT \(place)/c/b")
      #expect(error.map { "\($0)\($0.detail)".contains("secret") } == false, "\(error as Any)")
      #expect(error.map { $0.detail.isEmpty } == false)
    }
  }

  @Test func `is the configuration's where no later request can succeed`() {
    let kinds: [TransferError.Kind] = [
      .untrustedServer, .unusableCredentials, .refusedByProxy(status: 407),
      .refusedByProxy(status: 503), .unknownProxy, .unknownHost, .refusedIdentity, .notHTTP,
      .cutShort,
    ]
    #expect(
      kinds.map { TransferError($0, request: "", detail: "").isConfiguration }
        == [true, true, true, false, false, false, false, false, false])
  }

  @Test(arguments: [
    (TransferError.Kind.unknownHost, true, true), (.unknownProxy, true, true),
    (.refusedByProxy(status: 407), false, true), (.refusedByProxy(status: 503), true, true),
    (.noConnection, true, true),
    (.untrustedServer, false, true), (.refusedIdentity, false, true),
    (.unusableCredentials, false, true), (.handshakeFailed, true, true), (.timedOut, true, true),
    (.stalled, true, true), (.cutShort, true, false), (.notHTTP, false, true),
    (.answerTooLarge, false, false), (.stopped(.terminated), false, false),
    (.stopped(.deadline), false, true), (.other, true, false),
  ])
  func `says whether it may pass and what to do`(
    kind: TransferError.Kind, isTransient: Bool, hasHint: Bool
  ) {
    let error = TransferError(kind, request: "GET https://a.example/b", detail: "curl's words")
    #expect(error.isTransient == isTransient)
    #expect((error.hint != nil) == hasHint)
    #expect(error.description.hasPrefix("GET https://a.example/b: "))
    if case .stopped = kind { return }
    #expect(error.description.hasSuffix(" (curl's words)"))
  }
}
