// Everything that waits ends when the run must stop, and lets go of what it waited for.

import Hints
import HTTP
import Testing
import TestSupport

@Suite struct `A reason to stop` {
  enum Wait: CaseIterable, Sendable {
    case forAConnection, forAnAnswer, forSending, forTheHeadOfADownload, forItsBody
    case forAnExchange, forTimeToPass
  }

  @Test(arguments: Wait.allCases, [StopReason.terminated, .deadline])
  func `ends every wait within a second`(wait: Wait, reason: StopReason) {
    let server = ScriptedServer(
      beforeBody: { $0.method == "PUT" ? [.hold] : [] },
      answering: { _ in [.response(200, text: "hello", bodyLimit: 2), .hold] })
    let silent = ScriptedServer { _ in [.hold] }
    let unreachable = UnreachablePort(.silent)

    let body = Payload(Array(repeating: 1, count: 32 << 20))

    let stop = ContinuousClock.now + .milliseconds(100)
    let transport = Transport { .now < stop ? nil : reason }
    let error = #expect(throws: TransferError.self) {
      switch wait {
      case .forAConnection:
        _ = try transport.send(Request("GET", unreachable.url), over: Connection())
      case .forAnAnswer:
        _ = try transport.send(Request("GET", silent.url), over: Connection())
      case .forSending:
        _ = try transport.send(Request("PUT", server.url, body: body), over: Connection())
      case .forTheHeadOfADownload:
        _ = try transport.download(Request("GET", silent.url), over: Connection())
      case .forItsBody:
        let download = try transport.download(Request("GET", server.url), over: Connection())
        var piece: [UInt8] = []
        while try download.read(into: &piece) {}
      case .forAnExchange:
        let exchange = transport.start(Request("GET", silent.url), over: Connection())
        _ = try transport.finish(exchange)
      case .forTimeToPass:
        try transport.sleep(for: .seconds(60), before: "the next attempt")
      }
    }
    #expect(error?.kind == .stopped(reason))
    #expect(ContinuousClock.now - stop < .seconds(50))
  }

  /// Nothing is ever waited for where more has always come already.
  @Test func `ends a download that never has to wait`() throws {
    let piece = [UInt8](repeating: 7, count: 1 << 20)
    let server = ScriptedServer { _ in
      [.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), .sendRepeatedly(piece, times: 100)]
    }
    var isStopped = false
    let transport = Transport { isStopped ? .deadline : nil }
    let download = try transport.download(Request("GET", server.url), over: Connection())
    var bytes: [UInt8] = []
    #expect(try download.read(into: &bytes))
    isStopped = true
    var read = 0
    do {
      while try download.read(into: &bytes) {
        read += bytes.count
        transport.progress()  // so that there is always more
      }
      Issue.record("read on to the end")
    } catch {
      #expect(error.kind == .stopped(.deadline))
    }
    #expect(read < 10 << 20)
  }

  @Test func `does not spoil what is already there`() throws {
    let server = ScriptedServer { _ in .response(200, text: "hello") }
    var isStopped = false
    let transport = Transport { isStopped ? .terminated : nil }
    let exchange = transport.start(Request("GET", server.url), over: Connection())
    #expect(try transport.finish(exchange).status == 200)
    isStopped = true
    #expect(try transport.finish(exchange).status == 200)
  }

  @Test func `names what was waited for, without its query`() {
    let server = ScriptedServer { _ in [.hold] }
    let transport = Transport { .deadline }
    let error = #expect(throws: TransferError.self) {
      try transport.send(Request("GET", "\(server.url)/a?sig=secret"), over: Connection())
    }
    #expect(error?.description == "GET \(server.url)/a: stopped at the deadline of the run")
    #expect(error?.hint == "Raise APP_BACKUP_TIMEOUT if such a run may take longer.")
  }

  @Test func `names what made another attempt necessary`() {
    let transport = Transport { .deadline }
    let error = #expect(throws: TransferError.self) {
      try transport.sleep(for: .seconds(60), before: "PUT /a", after: "503 ServerBusy")
    }
    #expect(
      error?.description
        == "PUT /a: stopped at the deadline of the run; the attempt before had failed: 503 ServerBusy"
    )
    #expect(error?.hint?.hasPrefix("Fix the error above.") == true)
  }
}

@Suite struct `Letting go of a request` {
  @Test func `closes its connection when it was cancelled`() throws {
    let server = ScriptedServer { _ in [.hold] }
    let transport = Transport()
    let exchange = transport.start(Request("GET", server.url), over: Connection())
    try transport.wait(for: "the request", until: .now + .seconds(60)) {
      server.requests.count == 1
    }
    transport.cancel(exchange)
    #expect(server.wait { $0.connections.first?.end == .closedByClient })
    #expect(exchange.result == nil)
  }

  @Test func `closes its connection when its download is dropped`() throws {
    let server = ScriptedServer { _ in
      [
        .send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"),
        .sendRepeatedly(Array(repeating: 1, count: 1 << 20), times: 1000),
      ]
    }
    let transport = Transport()
    do {
      let download = try transport.download(Request("GET", server.url), over: Connection())
      var piece: [UInt8] = []
      #expect(try download.read(into: &piece))
    }
    #expect(server.wait { $0.connections.first?.end == .closedByClient })
  }

  @Test func `closes its connection when waiting for it failed`() {
    let server = ScriptedServer { _ in [.hold] }
    let transport = Transport { server.requests.isEmpty ? nil : .terminated }
    #expect(throws: TransferError.self) {
      try transport.send(Request("GET", server.url), over: Connection())
    }
    #expect(server.wait { $0.connections.first?.end == .closedByClient })
  }

  @Test func `leaves the others alone`() throws {
    let server = ScriptedServer { $0.path == "/held" ? [.hold] : .response(200) }
    let transport = Transport()
    let held = transport.start(Request("GET", "\(server.url)/held"), over: Connection())
    let other = transport.start(Request("GET", "\(server.url)/other"), over: Connection())
    transport.cancel(held)
    transport.cancel(held)
    #expect(try transport.finish(other).status == 200)
  }

  @Test func `is not needed: a transport ends what is under way when it goes`() {
    let server = ScriptedServer { _ in [.hold] }
    do {
      let transport = Transport()
      _ = transport.start(Request("GET", server.url), over: Connection())
      #expect(throws: Never.self) {
        try transport.wait(for: "the request", until: .now + .seconds(60)) {
          server.requests.count == 1
        }
      }
    }
    #expect(server.wait { $0.connections.first?.end == .closedByClient })
  }
}
