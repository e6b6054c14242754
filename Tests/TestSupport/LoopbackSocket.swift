// A TCP socket for 127.0.0.1; whoever makes one closes its descriptor.

internal import Glibc

struct LoopbackSocket: Sendable {
  let descriptor: Int32

  init() {
    descriptor = socket(
      AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    if descriptor < 0 { failTest("open a socket") }
  }

  /// On a free port.
  func bind() {
    let status = unsafe withAddress(port: 0) { unsafe Glibc.bind(descriptor, $0, $1) }
    if status != 0 { failTest("bind a socket to 127.0.0.1") }
  }

  func listen(backlog: Int32) {
    if Glibc.listen(descriptor, backlog) != 0 { failTest("listen on 127.0.0.1") }
  }

  /// Does not wait until the connection is there.
  func startConnecting(to port: UInt16) {
    let status = unsafe withAddress(port: port) { unsafe connect(descriptor, $0, $1) }
    if status != 0 && errno != EINPROGRESS { failTest("connect to 127.0.0.1") }
  }

  var port: UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = unsafe withUnsafeMutablePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(descriptor, $0, &length)
      }
    }
    if status != 0 { failTest("ask for a socket's port") }
    return UInt16(bigEndian: address.sin_port)
  }

  private func withAddress(
    port: UInt16, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    return unsafe withUnsafePointer(to: address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe call($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}

/// Ends the test run: without its sockets and threads no test can say anything.
func failTest(_ call: String) -> Never {
  fatalError("a test cannot \(call): \(unsafe String(cString: strerror(errno)))")
}
