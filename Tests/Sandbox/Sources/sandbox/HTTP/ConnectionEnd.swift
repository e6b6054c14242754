// Ends a connection as a broken network would: without TLS's farewell, with RST when asked.

import NIOCore
import NIOHTTPTypes
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// The connection was ended on purpose; nothing more can be sent on it.
struct ConnectionEnded: Error {}

/// The two ways in which a connection ends before its time.
enum ConnectionEnd {
  /// Sits next to the socket, so that closing from here passes no other handler.
  private final class Closer: ChannelInboundHandler, Sendable {
    typealias InboundIn = NIOAny

    func handlerAdded(context: ChannelHandlerContext) {
      context.close(promise: nil)
    }
  }

  /// Ends the connection at once, with RST.
  static func reset(_ channel: any Channel) async -> ConnectionEnded {
    let socket = channel as? any SocketOptionProvider
    // The peer may have gone first, which is just as well; so below.
    try? await socket?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
    try? await channel.pipeline.addHandler(Closer(), position: .first).get()
    return ConnectionEnded()
  }

  /// Ends the connection when `last`, and so all before it, is on its way; `isReset` then sends
  /// RST instead of FIN.
  static func close(
    _ channel: any Channel, after last: HTTPResponsePart, withReset isReset: Bool = false
  ) async -> ConnectionEnded {
    try? await channel.writeAndFlush(last)
    if isReset { return await reset(channel) }
    try? await channel.pipeline.addHandler(Closer(), position: .first).get()
    return ConnectionEnded()
  }
}
