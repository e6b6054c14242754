// Opens the ports, on 127.0.0.1 only.

import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle

/// Starts HTTP/1.1 servers that run until the process ends.
struct Listeners: Sendable {
  private let logger: Logger = {
    var logger = Logger(label: "sandbox", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = .error
    return logger
  }()

  /// Returns the port once it accepts connections.
  func start(_ exchange: Exchange<some Service>, port: Int, tls: TLSConfiguration? = nil)
    async throws -> Int
  {
    let plain = HTTPServerBuilder.http1()
    let builder = try tls.map { try HTTPServerBuilder.tls(plain, tlsConfiguration: $0) } ?? plain
    let (ports, continuation) = AsyncThrowingStream<Int, any Error>.makeStream()
    let server = try builder.buildServer(
      configuration: .init(address: .hostname("127.0.0.1", port: port)),
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
      responder: { request, writer, channel in
        try await exchange.respond(to: request, with: writer, on: channel)
      },
      onServerRunning: { channel in
        continuation.yield(channel.localAddress?.port ?? 0)
      })
    Task {
      do {
        try await server.run()
        continuation.finish()
      } catch {
        continuation.finish(throwing: error)
      }
    }
    for try await port in ports { return port }
    throw ChannelError.alreadyClosed
  }
}
