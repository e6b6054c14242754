// The traps of etcd's gateway and of TLS: each ends in a message that names cause and remedy.

import Etcd
import Hints
import HTTP
import Testing
import TestSupport

@Suite struct `A trap` {
  /// What the search for a member says of a server that answers everything like this.
  private func error(of reply: ScriptedServer.Reply) throws -> EtcdError {
    let server = ScriptedServer { _ in reply }
    return try #require(throws: EtcdError.self) { try EtcdCluster([server.url]).chooseMember() }
  }

  @Test func `gateway switched off names both ways to switch it on`() throws {
    let error = try error(of: .response(404, text: "404 page not found\n"))
    #expect(error.description.hasSuffix("has no gRPC gateway under /v3, /v3beta or /v3alpha"))
    #expect(error.hint?.contains("--enable-grpc-gateway") == true)
    #expect(error.hint?.contains("configuration file") == true)
    #expect(error.hint?.hasSuffix("set APP_BACKUP_ETCD_TRANSPORT=grpc.") == true)
    #expect(error.isConfiguration)
  }

  @Test func `port that speaks gRPC only names --listen-client-http-urls`() throws {
    // What an HTTP/2 server says first: an empty SETTINGS frame; then it hangs up.
    let error = try error(of: [.send([0, 0, 0, 4, 0, 0, 0, 0, 0]), .close])
    #expect(error.description.contains("does not speak HTTP/1.1"))
    #expect(error.hint?.contains("--listen-client-http-urls") == true)
    #expect(error.hint?.hasSuffix("Or set APP_BACKUP_ETCD_TRANSPORT=grpc.") == true)
    #expect(error.isConfiguration)
  }

  @Test func `common name in the client certificate names the remedy`() throws {
    let error = try error(
      of: .response(
        400,
        text: "CommonName of client sending a request against gateway will be ignored and not "
          + "used as expected\n"))
    #expect(error.description.contains("CommonName of client sending a request"))
    #expect(error.hint?.contains("certificate without a common name") == true)
    #expect(error.hint?.contains("Or set APP_BACKUP_ETCD_TRANSPORT=grpc") == true)
    #expect(error.hint?.contains("APP_BACKUP_ETCD_CREDENTIALS_SECRET") == true)
    #expect(error.isConfiguration)
  }

  @Test func `host name off the whitelist names the flag`() throws {
    let error = try error(
      of: .response(421, text: "ERROR: Host is not in the whitelist of etcd\n"))
    #expect(error.description.contains("status 421"))
    #expect(error.hint?.contains("--host-whitelist") == true)
    #expect(error.isConfiguration)
  }

  @Test(arguments: [
    ScriptedServer.Reply.response(400, text: "Client sent an HTTP request to an HTTPS server.\n"),
    [.close], [.reset],
  ])
  func `http where etcd speaks TLS says to write https`(reply: ScriptedServer.Reply) throws {
    #expect(try error(of: reply).hint?.contains("write https://") == true)
  }

  @Test(arguments: [
    "all SubConns are in TransientFailure, latest connection error: connection error: desc = "
      + "transport: authentication handshake failed: remote error: tls: bad certificate",
    "connection error: desc = transport: authentication handshake failed: remote error: tls: bad "
      + "certificate",
    "all SubConns are in TransientFailure",
  ])
  func `server certificate without clientAuth names the key usage`(message: String) throws {
    let error = EtcdError.refused(
      endpoint: try #require(Endpoint("https://etcd-0.etcd:2379")), call: "maintenance/status",
      message: message)
    #expect(error.hint?.contains("extended key usage clientAuth") == true)
    #expect(error.hint?.hasSuffix("Or set APP_BACKUP_ETCD_TRANSPORT=grpc.") == true)
  }

  @Test func `503 without etcd's words says what it may be`() throws {
    let error = try error(of: .response(503, text: "upstream connect error"))
    #expect(error.description.contains("status 503: upstream connect error"))
    #expect(error.hint?.contains("still starting") == true)
    #expect(!error.isConfiguration)
  }

  /// What OpenSSL and libcurl say, as seen with real servers.
  @Test(arguments: [
    (
      TransferError.Kind.handshakeFailed,
      "OpenSSL/3.0.17: error:0A00010B:SSL routines::wrong version number", "write http://", false
    ),
    (
      .handshakeFailed,
      "Recv failure: Connection reset by peer",
      "write http://", false
    ),
    (
      .handshakeFailed,
      "OpenSSL/3.0.17: error:0A000126:SSL routines::unexpected eof while reading",
      "write http://", false
    ),
    (
      .refusedIdentity,
      "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0",
      "APP_BACKUP_CLIENT_TLS_SECRET", true
    ),
    (
      .refusedIdentity, "error:0A000412:SSL routines::sslv3 alert bad certificate",
      "--trusted-ca-file", true
    ),
    (.cutShort, "Empty reply from server", "APP_BACKUP_CLIENT_TLS_SECRET", false),
    (
      .untrustedServer, "SSL certificate problem: unable to get local issuer certificate",
      "Does the configured CA sign", true
    ),
    (
      .unusableCredentials, "could not load PEM client certificate", "Are the PEM texts whole", true
    ),
    (.unknownHost, "Could not resolve host: etcd-0.etcd", "DNS", false),
    (.noConnection, "Connection refused", "network policy", false),
    (.timedOut, "Connection timed out after 5000 milliseconds", "overloaded", false),
    (.notHTTP, "Received HTTP/0.9 when not allowed", "gRPC only", true),
  ])
  func `of TLS and the network has its hint`(
    kind: TransferError.Kind, detail: String, hint: String, isConfiguration: Bool
  ) throws {
    let error = EtcdError.unreachable(
      endpoint: try #require(Endpoint("https://etcd-0.etcd:2379")),
      TransferError(
        kind, request: "POST https://etcd-0.etcd:2379/v3/maintenance/status", detail: detail))
    #expect(error.description.contains("https://etcd-0.etcd:2379"))
    #expect(error.description.contains(detail))
    #expect(error.hint?.contains(hint) == true)
    #expect(error.isConfiguration == isConfiguration)
  }

  @Test func `gRPC behind a proxy of HTTP/1.1 names the other transport`() throws {
    let error = EtcdError.notGRPC(
      endpoint: try #require(Endpoint("https://etcd-0.etcd:2379")), status: 502, text: "Bad Gateway"
    )
    #expect(
      error.description == "https://etcd-0.etcd:2379 does not speak gRPC: status 502, Bad Gateway")
    #expect(error.hint?.contains("APP_BACKUP_ETCD_TRANSPORT=gateway") == true)
  }

  @Test func `of neither transport is told for both`() throws {
    let server = ScriptedServer { _ in .response(404, text: "404 page not found\n") }
    for urls in [[server.url], [server.url, server.url + "/"]] {
      let error = try #require(throws: EtcdError.self) {
        try EtcdCluster(urls, kind: .auto).chooseMember()
      }
      guard case .noUsableEndpoint(let causes) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(causes.count == 2 * urls.count)
      let endpoint = try #require(Endpoint(server.url))
      #expect(causes[1] == .noGateway(endpoint: endpoint))
      #expect(causes[0] != causes[1])
    }
  }

  @Test func `of the gateway's is told alone where etcd itself refuses through it`() throws {
    let member = ScriptedMember { _, _ in
      ScriptedMember.fault(3, "etcdserver: user name is empty", status: 400)
    }
    let error = try #require(throws: EtcdError.self) {
      try EtcdCluster([member.server.url], kind: .auto).chooseMember()
    }
    #expect(
      error.description.hasSuffix("refused maintenance/status: etcdserver: user name is empty"))
    #expect(error.isConfiguration)
  }

  @Test(
    arguments: [200, 400, 404, 405, 415].map { ($0, true) }
      + [408, 429, 500, 502, 503, 504].map { ($0, false) })
  func `gRPC without an answer in gRPC is final but where the status may pass`(
    status: Int, isConfiguration: Bool
  ) throws {
    let error = EtcdError.notGRPC(
      endpoint: try #require(Endpoint("https://etcd-0.etcd:2379")), status: status, text: "")
    #expect(error.isConfiguration == isConfiguration)
  }

  @Test func `long foreign answer is cut to a line`() throws {
    let text = String(repeating: "words and\n\twords ", count: 1000)
    let description = try error(of: .response(500, text: text)).description
    #expect(description.utf8.count < 500)
    #expect(!description.contains("\n"))
  }
}
