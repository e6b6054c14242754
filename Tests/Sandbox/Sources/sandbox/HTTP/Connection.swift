// One accepted TCP connection, plain or with TLS: the bytes of its requests in, those of the answers out.

import Foundation

/// The connection is over: the client closed it before its request was whole, or does not read the
/// answer.
struct ClientGone: Error {}

/// A connection that one thread serves; closed with the last reference at the latest.
final class Connection {
  private var descriptor: Int32
  private let tls: TLSSession?
  /// What was received beyond the lines read so far.
  private var buffer: [UInt8] = []
  private var position = 0

  /// Takes the descriptor over. With TLS the handshake is done here; one that fails is a client
  /// that has gone.
  init(_ descriptor: Int32, _ server: TLSServer?) throws(ClientGone) {
    self.descriptor = descriptor
    do {
      tls = try server.map { server throws(ClientGone) in try TLSSession(server, descriptor) }
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { end() }

  /// SHA-256 (hex) of the client's certificate; `nil` without TLS or without a certificate.
  var clientFingerprint: String? { tls?.clientFingerprint }

  // MARK: Receiving

  /// The next line without its CR LF; `nil` where the connection ends before its first byte. Throws
  /// where it ends later, and where the line is longer than `limit`.
  func readLine(limit: Int) throws(ClientGone) -> [UInt8]? {
    var searched = position
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        var line = buffer[position..<end]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        position = end + 1
        return Array(line)
      }
      guard buffer.count - position <= limit else { throw ClientGone() }
      buffer.removeFirst(position)
      position = 0
      searched = buffer.count
      let more = try receive(upTo: 16 * 1024)
      if more.isEmpty {
        guard buffer.isEmpty else { throw ClientGone() }
        return nil
      }
      buffer += more
    }
  }

  /// The next bytes, at most `count`; none at the end of the connection.
  func read(upTo count: Int) throws(ClientGone) -> [UInt8] {
    guard position < buffer.count else { return try receive(upTo: count) }
    let end = min(buffer.count, position + count)
    defer { position = end }
    return Array(buffer[position..<end])
  }

  private func receive(upTo count: Int) throws(ClientGone) -> [UInt8] {
    // A record of TLS carries at most 16 KiB.
    let size = min(count, tls == nil ? 256 * 1024 : 16 * 1024)
    var isBroken = false
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { space, filled in
      let got: Int
      if let tls {
        got = unsafe tls.read(UnsafeMutableRawBufferPointer(space))
      } else {
        got = retrying { unsafe recv(descriptor, space.baseAddress, size, 0) }
      }
      isBroken = got < 0
      filled = max(0, got)
    }
    if isBroken { throw ClientGone() }
    return bytes
  }

  // MARK: Sending

  /// Sends all of it; returns when it is in the kernel's hands.
  func write(_ bytes: [UInt8]) throws(ClientGone) {
    let isSent = unsafe bytes.withUnsafeBytes { bytes in
      if let tls { return unsafe tls.write(bytes) }
      var rest = unsafe bytes[...]
      while unsafe !rest.isEmpty {
        let count = retrying {
          unsafe send(
            descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count,
            Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return false }
        unsafe rest = rest.dropFirst(count)
      }
      return true
    }
    guard isSent else { throw ClientGone() }
  }

  private func retrying(_ call: () -> Int) -> Int {
    while true {
      let result = call()
      if result >= 0 || errno != EINTR { return result }
    }
  }

  // MARK: Ending

  /// Ends the connection as a broken network would, without TLS's farewell; `withReset` sends RST
  /// in place of FIN.
  func end(withReset isReset: Bool = false) {
    guard descriptor >= 0 else { return }
    if isReset {
      var discard = linger(l_onoff: 1, l_linger: 0)
      // If the client closed first, there is nothing left to reset.
      _ = unsafe setsockopt(
        descriptor, SOL_SOCKET, SO_LINGER, &discard, socklen_t(MemoryLayout<linger>.size))
    }
    close(descriptor)
    descriptor = -1
  }
}
