// A real HTTP/1.1 server on 127.0.0.1 that does exactly what a test's script says, byte by byte.

internal import Synchronization

/// Answers each request with the next step of a script or with whatever a handler returns, on as
/// many connections at once as there come, and records every request.
///
///     let server = ScriptedServer { request in .response(200, json: "{}") }
///     let server = ScriptedServer(script: [.response(503), [.pause(.seconds(1)), .reset]])
///
/// A connection serves one request after the other until somebody ends it. Handlers run on the
/// connections' own threads, and must not hold on to the server: letting go of it stops it.
package final class ScriptedServer: Sendable {
  package typealias Handler = @Sendable (RecordedRequest) -> Reply

  package let port: UInt16
  private let journal = Journal()
  private let stopSignal = StopSignal()
  private let acceptor: Thread

  /// `beforeBody` is performed when the head of a request has come and its body is still to be
  /// read: for interim answers, for senders that are left waiting or cut off half-way.
  package init(
    beforeBody: @escaping Handler = { _ in [] }, answering handler: @escaping Handler
  ) {
    let listener = Listener()
    port = listener.port
    let (journal, stopSignal) = (journal, stopSignal)
    acceptor = Thread {
      var threads: [Thread] = []
      while let descriptor = listener.accept(until: stopSignal) {
        let connection = journal.beginConnection()
        threads.append(
          Thread {
            let wire = Wire(descriptor, stopSignal: stopSignal)
            Conversation(wire, number: connection, journal: journal)
              .run(beforeBody: beforeBody, handler: handler)
          })
      }
      listener.close()
      for thread in threads { thread.join() }
    }
  }

  /// Answers the n-th request to arrive, on whatever connection, with the n-th step.
  ///
  /// A request too many is answered with 500, and recorded like all others.
  package convenience init(script: [Reply]) {
    let steps = Script(script)
    self.init { _ in steps.next() ?? .response(500, text: "the script has no further step") }
  }

  deinit {
    stop()
  }

  /// Breaks off all connections and returns when no thread and no socket is left.
  package func stop() {
    stopSignal.give()
    acceptor.join()
  }

  package var address: String { "127.0.0.1:\(port)" }
  package var url: String { "http://\(address)" }

  /// In the order in which their heads arrived.
  package var requests: [RecordedRequest] { journal.requests }
  package var connections: [RecordedConnection] { journal.connections }

  /// Waits, at most `limit`, until `condition` holds; whether it did.
  package func wait(
    atMost limit: Duration = .seconds(60), until condition: (ScriptedServer) -> Bool
  ) -> Bool {
    let end = ContinuousClock.now + limit
    while !condition(self) {
      if ContinuousClock.now > end { return false }
      pauseThread(milliseconds: 5)
    }
    return true
  }
}

/// The steps that are still to come.
private final class Script: Sendable {
  private let steps: Mutex<ArraySlice<ScriptedServer.Reply>>

  init(_ steps: [ScriptedServer.Reply]) {
    self.steps = Mutex(steps[...])
  }

  func next() -> ScriptedServer.Reply? {
    steps.withLock { $0.popFirst() }
  }
}

/// What has happened so far, shared by all threads of a server.
final class Journal: Sendable {
  private struct Entries {
    var requests: [RecordedRequest] = []
    var connections: [RecordedConnection] = []
  }

  private let entries = Mutex(Entries())

  var requests: [RecordedRequest] { entries.withLock { $0.requests } }
  var connections: [RecordedConnection] { entries.withLock { $0.connections } }

  func beginConnection() -> Int {
    entries.withLock {
      $0.connections.append(RecordedConnection())
      return $0.connections.count - 1
    }
  }

  func add(_ request: RecordedRequest) -> Int {
    entries.withLock {
      $0.requests.append(request)
      return $0.requests.count - 1
    }
  }

  func update(_ number: Int, body: [UInt8]) {
    entries.withLock { $0.requests[number].body = body }
  }

  func addSent(_ count: Int, on connection: Int) {
    entries.withLock { $0.connections[connection].sentBytes += count }
  }

  func end(_ connection: Int, _ end: RecordedConnection.End) {
    entries.withLock { $0.connections[connection].end = end }
  }
}
