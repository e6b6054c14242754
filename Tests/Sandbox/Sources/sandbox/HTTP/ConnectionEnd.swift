// Ends a connection as a broken network would: without TLS's farewell, with RST when asked.

import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// The two ways in which a connection ends before its time.
enum ConnectionEnd {
  /// Sits next to the socket, so that closing from here passes no other handler.
  private final class Closer: ChannelInboundHandler, Sendable {
    typealias InboundIn = NIOAny

    func handlerAdded(context: ChannelHandlerContext) {
      context.close(promise: nil)
    }
  }

  /// Makes the coming close send RST instead of FIN, and drops what was not yet sent.
  static func reset(_ channel: any Channel) async throws {
    let socket = channel as? any SocketOptionProvider
    try await socket?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
  }

  static func close(_ channel: any Channel) async throws {
    try await channel.pipeline.addHandler(Closer(), position: .first).get()
  }
}
