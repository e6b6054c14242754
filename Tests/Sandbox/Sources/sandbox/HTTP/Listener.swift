// Opens the ports, on 127.0.0.1 only.

import Foundation

/// A system call on a socket failed.
struct SocketError: Error, CustomStringConvertible {
  let description: String

  /// Takes the reason from `errno`: make it right after the call.
  init(_ call: String) {
    description = unsafe "\(call): \(String(cString: strerror(errno)))"
  }
}

/// An HTTP/1.1 server that runs until the process ends, with a thread for each connection: a fault
/// that waits is just a thread that sleeps.
final class Listener<S: Service>: Sendable {
  private let exchange: Exchange<S>
  private let tls: TLSServer?
  private let descriptor: Int32
  let port: Int

  /// Returns once the port accepts connections; 0 takes a free one.
  init(_ exchange: Exchange<S>, port: Int, tls: TLSServer? = nil) throws {
    self.exchange = exchange
    self.tls = tls
    (descriptor, self.port) = try Self.open(port)
    Thread.detachNewThread {
      while self.accept() {}
    }
  }

  private static func open(_ port: Int) throws -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw SocketError("socket") }
    var on: Int32 = 1
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(clamping: port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isOpen = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe bind(descriptor, generic, length) == 0 && listen(descriptor, SOMAXCONN) == 0
          && getsockname(descriptor, generic, &length) == 0
      }
    }
    guard isOpen else { throw SocketError("port \(port)") }
    return (descriptor, Int(in_port_t(bigEndian: address.sin_port)))
  }

  /// Takes the next client; returns whether there can be another one.
  private func accept() -> Bool {
    let client = Foundation.accept(descriptor, nil, nil)
    guard client >= 0 else {
      let reason = errno
      // The client has gone already, or the process has no descriptor left just now.
      if reason == EMFILE || reason == ENFILE { pause(for: .milliseconds(10)) }
      return reason != EBADF
    }
    var on: Int32 = 1
    _ = unsafe setsockopt(
      client, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    Thread.detachNewThread {
      // There is no one left to tell of a client that has gone.
      guard let connection = try? Connection(client, self.tls) else { return }
      try? self.exchange.serve(connection)
      connection.end()
    }
    return true
  }
}
