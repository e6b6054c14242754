// How servers are reached: connections that are used again, other addresses, proxies.

import Certificates
import Glibc
import Hints
import HTTP
import Synchronization
import Testing
import TestSupport

@Suite struct `A connection` {
  // MARK: Used again

  @Test func `serves one request after the other`() throws {
    let server = ScriptedServer { .response(200, text: $0.path) }
    let transport = Transport()
    for number in 0..<5 {
      let request = Request("PUT", "\(server.url)/\(number)", body: Payload([1, 2, 3]))
      #expect(try transport.send(request, over: Connection()).body == Array("/\(number)".utf8))
    }
    #expect(server.requests.map(\.connection) == [0, 0, 0, 0, 0])
  }

  @Test func `is one of several when requests are under way together`() throws {
    let busy = Atomic(0)
    // The first is answered only when the last is there.
    let server = ScriptedServer { _ in
      busy.add(1, ordering: .sequentiallyConsistent)
      while busy.load(ordering: .sequentiallyConsistent) < 4 { pauseThread(milliseconds: 5) }
      return .response(200)
    }
    let transport = Transport()
    let exchanges = (0..<4).map { number in
      transport.start(Request("GET", "\(server.url)/\(number)"), over: Connection())
    }
    for exchange in exchanges { #expect(try transport.finish(exchange).status == 200) }
    #expect(server.connections.count == 4)
  }

  @Test func `that the server closed meanwhile is replaced`() throws {
    let server = ScriptedServer { _ in [.response(200), .close] }
    let transport = Transport()
    for _ in 0..<3 {
      #expect(try transport.send(Request("GET", server.url), over: Connection()).status == 200)
      #expect(server.wait { $0.connections.allSatisfy { $0.end == .closedByServer } })
    }
    #expect(server.connections.count == 3)
  }

  /// As when the server's idle time-out and our next block cross each other.
  @Test(arguments: [ScriptedServer.Action.close, .reset])
  func `that dies as it is used again is replaced, and the whole body sent again`(
    end: ScriptedServer.Action
  ) throws {
    let server = ScriptedServer { $0.path == "/2" && $0.connection == 0 ? [end] : .response(201) }
    let transport = Transport()
    let body = patternBytes(3_000_000)
    for path in ["/1", "/2"] {
      let request = Request("PUT", server.url + path, body: Payload(body))
      #expect(try transport.send(request, over: Connection()).status == 201)
    }
    #expect(server.requests.map(\.path) == ["/1", "/2", "/2"])
    #expect(server.requests.map(\.connection) == [0, 0, 1])
    #expect(server.requests.allSatisfy { $0.body == body })
  }

  @Test func `that dies on its first request is an error`() {
    let server = ScriptedServer(script: [[.close], .response(200)])
    let error = #expect(throws: TransferError.self) {
      try Transport().send(Request("GET", server.url), over: Connection())
    }
    #expect(error?.kind == .cutShort)
    #expect(server.requests.count == 1)
  }

  @Test(arguments: [(200, false), (404, false), (500, true), (503, true)])
  func `is not used again after a failure where that was asked for`(
    status: Int, isClosed: Bool
  ) throws {
    let server = ScriptedServer { _ in .response(status, text: "x") }
    for closes in [false, true] {
      let transport = Transport()
      var connection = Connection()
      connection.closesAfterFailure = closes
      let before = server.connections.count
      for _ in 0..<2 { _ = try transport.send(Request("GET", server.url), over: connection) }
      #expect(server.connections.count - before == (closes && isClosed ? 2 : 1))
    }
  }

  // MARK: Another address

  @Test func `goes to another address under the URL's name`() throws {
    let server = ScriptedServer { _ in .response(200) }
    var connection = Connection()
    connection.address = server.address
    let request = Request("GET", "http://etcd.example:2379/health")
    #expect(try Transport().send(request, over: connection).status == 200)
    #expect(server.requests.map { $0["host"] } == ["etcd.example:2379"])
  }

  @Test func `is not shared between two addresses of one name`() throws {
    let servers = (0..<2).map { number in
      ScriptedServer { _ in .response(200, text: "\(number)") }
    }
    let transport = Transport()
    for _ in 0..<2 {
      for (number, server) in servers.enumerated() {
        var connection = Connection()
        connection.address = server.address
        let response = try transport.send(Request("GET", "http://a.example/"), over: connection)
        #expect(response.body == Array("\(number)".utf8))
      }
    }
  }

  // MARK: Proxies

  @Test func `goes through a proxy that was asked for`() throws {
    let proxy = ScriptedServer { _ in .response(200) }
    var connection = Connection()
    connection.proxy = .url(proxy.url)
    _ = try Transport().send(Request("GET", "http://a.example/b?c"), over: connection)
    #expect(proxy.requests.map(\.target) == ["http://a.example/b?c"])
  }

  @Test func `through a proxy's tunnel has no answer before the server's own`() {
    let proxy = ScriptedServer { _ in
      [.send("HTTP/1.1 200 Connection established\r\nx-proxy: 1\r\n\r\n"), .hold]
    }
    var connection = Connection()
    connection.proxy = .url(proxy.url)
    connection.timeouts.total = .milliseconds(300)
    let error = #expect(throws: TransferError.self) {
      _ = try Transport().download(Request("GET", "https://a.example/"), over: connection)
    }
    #expect(error?.kind == .timedOut)
    #expect(proxy.requests.map(\.target) == ["a.example:443"])
    #expect(proxy.requests.map(\.method) == ["CONNECT"])
  }

  @Test(arguments: [
    (403, "Forbidden", false), (407, "Proxy Authentication Required", false),
    (503, "Service Unavailable", true),
  ])
  func `through a proxy that refuses the tunnel says so`(
    status: Int, reason: String, isTransient: Bool
  ) throws {
    let proxy = ScriptedServer { _ in
      [
        .send(
          "HTTP/1.1 \(status) \(reason)\r\nProxy-Authenticate: Basic realm=\"p\"\r\n"
            + "Content-Length: 4\r\n\r\nno!\n"), .close,
      ]
    }
    var connection = Connection()
    connection.proxy = .url(proxy.url)
    let error = try #require(throws: TransferError.self) {
      try Transport().send(Request("GET", "https://a.example/b"), over: connection)
    }
    #expect(error.kind == .refusedByProxy(status: status))
    #expect(
      error.description.hasPrefix("GET https://a.example/b: the proxy did not let us through"))
    #expect(error.description.contains("\(status)"))
    #expect(error.isTransient == isTransient)
    #expect(error.isConfiguration == !isTransient)
    #expect(error.hint?.contains("no_proxy") == true)
  }

  @Test func `goes through the environment's proxies only when asked to`() async {
    // In a process of its own: the environment belongs to all tests.
    await #expect(processExitsWith: .success) {
      let proxy = ScriptedServer { _ in .response(200, text: "proxy") }
      let server = ScriptedServer { _ in .response(200, text: "server") }
      for name in ["no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"] { unsafe unsetenv(name) }
      unsafe setenv("http_proxy", proxy.url, 1)
      let request = Request("GET", server.url)

      var connection = Connection()
      let direct = try Transport().send(request, over: connection)
      #expect(direct.body == Array("server".utf8))

      connection.proxy = .environment
      let proxied = try Transport().send(request, over: connection)
      #expect(proxied.body == Array("proxy".utf8))

      unsafe setenv("no_proxy", "127.0.0.1", 1)
      let excepted = try Transport().send(request, over: connection)
      #expect(excepted.body == Array("server".utf8))
    }
  }
}

@Suite struct `An exception from the environment's proxy` {
  @Test(arguments: ["no_proxy", "NO_PROXY"])
  func `U16 may be written as *.domain or host:port`(name: String) async {
    await #expect(processExitsWith: .success) {
      [name] in
      let proxy = ScriptedServer { _ in .response(200, text: "proxy") }
      let server = ScriptedServer { _ in .response(200, text: "server") }
      for name in ["no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"] { unsafe unsetenv(name) }
      unsafe setenv("http_proxy", proxy.url, 1)
      var connection = Connection()
      connection.proxy = .environment
      // libcurl finds every name under localhost on this machine.
      let port = server.address.split(separator: ":").last.map { "\($0)" } ?? ""
      for (exception, host, expected) in [
        ("*.store.localhost", "a.store.localhost:\(port)", "server"),
        ("x, *.store.localhost", "store.localhost:\(port)", "server"),
        ("127.0.0.1:\(port)", "127.0.0.1:\(port)", "server"),
        ("127.0.0.1:1", "127.0.0.1:\(port)", "proxy"),
        ("*.example", "store.localhost:\(port)", "proxy"),
        ("*", "store.localhost:\(port)", "server"),
      ] {
        unsafe setenv(name, exception, 1)
        let answer = try Transport().send(Request("GET", "http://\(host)/"), over: connection)
        #expect(answer.body == Array(expected.utf8), "\(exception) \(host)")
      }
    }
  }
}

@Suite struct `A client identity` {
  @Test func `never prints its key`() throws {
    let identity = try ClientIdentity(
      certificate: PEMText(Array(TestCertificate.ec.certificate.utf8), named: "tls.crt"),
      key: PEMText(Array(TestCertificate.ec.key.utf8), named: "tls.key"))
    var connection = Connection()
    connection.identity = identity
    var dumped = ""
    dump(connection, to: &dumped)
    for text in ["\(identity)", String(reflecting: identity), "\(connection)", dumped] {
      #expect(text.contains("<client identity>"))
      #expect(!text.contains("key") && !text.contains("certificate"))
    }
  }
}
