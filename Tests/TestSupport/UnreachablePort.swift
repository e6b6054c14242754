// A port of 127.0.0.1 that belongs to the test, but to which no connection can be made.

internal import Glibc
internal import Synchronization

/// Holds the port until it is let go of, so that nobody else can come to listen there.
package final class UnreachablePort: Sendable {
  package enum Manner: Sendable {
    /// Connecting is refused at once.
    case refusing
    /// Connecting is met with silence, as behind a firewall that drops packets.
    case silent
  }

  package let port: UInt16
  private let descriptors: [Int32]

  package init(_ manner: Manner) {
    switch manner {
    case .refusing:
      let socket = LoopbackSocket()
      socket.bind()
      port = socket.port
      descriptors = [socket.descriptor]
    case .silent:
      // Two connections that nobody accepts fill the shortest queue there is.
      let listener = LoopbackSocket()
      listener.bind()
      listener.listen(backlog: 0)
      port = listener.port
      let waiting = [LoopbackSocket(), LoopbackSocket()]
      for socket in waiting { socket.startConnecting(to: listener.port) }
      descriptors = ([listener] + waiting).map(\.descriptor)
    }
  }

  deinit {
    for descriptor in descriptors { close(descriptor) }
  }

  package var url: String { "http://127.0.0.1:\(port)" }
}
