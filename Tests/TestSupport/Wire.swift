// The sockets and threads beneath the scripted server: plain POSIX, so that a test can break a
// connection at any byte.

internal import Glibc
internal import Synchronization

/// Waits until a descriptor is ready, a time has passed or the stop signal was given.
private func poll(
  _ descriptor: Int32, for events: Int32, _ stopSignal: StopSignal, atMost limit: Duration? = nil
) throws(RecordedConnection.End) -> Int16 {
  let end = limit.map { ContinuousClock.now + $0 }
  while true {
    var descriptors = [
      pollfd(fd: descriptor, events: Int16(events), revents: 0),
      pollfd(fd: stopSignal.descriptor, events: Int16(POLLIN), revents: 0),
    ]
    var milliseconds: Int32 = -1
    if let end {
      let left = ContinuousClock.now.duration(to: end)
      if left <= .zero { return 0 }
      milliseconds = Int32(min(left / .milliseconds(1), 60_000).rounded(.up))
    }
    let count = unsafe Glibc.poll(&descriptors, 2, milliseconds)
    if count < 0, errno != EINTR { failTest("poll") }
    guard count > 0 else { continue }
    if descriptors[1].revents != 0 { throw .serverStopped }
    return descriptors[0].revents
  }
}

package func pauseThread(milliseconds: Int) {
  usleep(useconds_t(milliseconds * 1000))
}

/// One accepted connection; belongs to one thread, which must end it by `close` or `reset`.
final class Wire {
  private typealias End = RecordedConnection.End

  private let descriptor: Int32
  private let stopSignal: StopSignal
  /// The peer has sent its FIN. A GNU extension, hence not among Glibc's imported names.
  private static let hangUp: Int32 = 0x2000  // POLLRDHUP

  init(_ descriptor: Int32, stopSignal: StopSignal) {
    self.descriptor = descriptor
    self.stopSignal = stopSignal
  }

  /// At least one byte; throws `closedByClient` at the end.
  func receive() throws(RecordedConnection.End) -> [UInt8] {
    while true {
      _ = try poll(descriptor, for: POLLIN, stopSignal)
      var received = 0
      let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, count in
        received = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
        count = max(0, received)
      }
      if received > 0 { return bytes }
      if received == 0 || (errno != EAGAIN && errno != EINTR) { throw .closedByClient }
    }
  }

  /// Hands over as many bytes as the kernel takes, at least one.
  func send(_ bytes: ArraySlice<UInt8>) throws(RecordedConnection.End) -> Int {
    while true {
      _ = try poll(descriptor, for: POLLOUT, stopSignal)
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count > 0 { return count }
      if errno != EAGAIN && errno != EINTR { throw .closedByClient }
    }
  }

  func pause(_ duration: Duration) throws(RecordedConnection.End) {
    _ = try poll(-1, for: 0, stopSignal, atMost: duration)
  }

  /// Neither reads nor sends until the client hangs up or the server stops; then throws.
  func hold() throws(RecordedConnection.End) -> Never {
    _ = try poll(descriptor, for: Self.hangUp, stopSignal)
    throw .closedByClient
  }

  /// Says that nothing more comes.
  func finishSending() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Waits for the client to end the connection too: closing with unread bytes would be a reset,
  /// in which what was sent may get lost.
  func close() {
    do {
      while true { _ = try receive() }
    } catch {
      // Either way the connection is over now.
      Glibc.close(descriptor)
    }
  }

  /// Waits until all that was sent has been acknowledged, then sends a TCP reset.
  func reset() {
    var unacknowledged: Int32 = 1
    for _ in 0..<2000 where unacknowledged > 0 {
      if unsafe ioctl(descriptor, UInt(TIOCOUTQ), &unacknowledged) != 0 { break }
      if unacknowledged > 0 { pauseThread(milliseconds: 1) }
    }
    var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    Glibc.close(descriptor)
  }
}

/// A listening socket on a free port of 127.0.0.1.
struct Listener: Sendable {
  let port: UInt16
  private let socket = LoopbackSocket()

  init() {
    socket.bind()
    socket.listen(backlog: 128)
    port = socket.port
  }

  /// The next connection, non-blocking; `nil` once the stop signal was given.
  func accept(until stopSignal: StopSignal) -> Int32? {
    while true {
      do {
        _ = try poll(socket.descriptor, for: POLLIN, stopSignal)
      } catch {
        return nil
      }
      let connection = Glibc.accept(socket.descriptor, nil, nil)
      if connection >= 0 {
        _ = fcntl(connection, F_SETFL, O_NONBLOCK)
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        var on: Int32 = 1
        _ = unsafe setsockopt(
          connection, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return connection
      }
    }
  }

  func close() {
    Glibc.close(socket.descriptor)
  }
}

/// Seen by all threads at once: a pipe whose reading end becomes ready when the other is closed.
final class StopSignal: Sendable {
  let descriptor: Int32
  /// `nil` once the signal was given.
  private let writingEnd: Mutex<Int32?>

  init() {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { failTest("open a pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    descriptor = ends[0]
    writingEnd = Mutex(ends[1])
  }

  deinit {
    give()
    Glibc.close(descriptor)
  }

  func give() {
    writingEnd.withLock {
      if let end = $0 { Glibc.close(end) }
      $0 = nil
    }
  }
}

/// A thread of our own: what blocks must not sit on Swift's own few threads.
final class Thread: Sendable {
  private final class Work: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
      self.run = run
    }
  }

  /// `nil` once it was joined.
  private let thread: Mutex<pthread_t?>

  init(_ run: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let work = unsafe Unmanaged.passRetained(Work(run))
    let status = unsafe pthread_create(
      &thread, nil,
      { context in
        if let context = unsafe context {
          unsafe Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
        }
        return nil
      }, work.toOpaque())
    guard status == 0 else {
      errno = status
      failTest("start a thread")
    }
    self.thread = Mutex(thread)
  }

  /// Returns when the thread has ended; the first caller waits, others do not.
  func join() {
    let waitedFor = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    if let waitedFor { _ = pthread_join(waitedFor, nil) }
  }
}
