/// SIGTERM and SIGINT: remembered here, acted upon by whoever waits next.

internal import Glibc
internal import Synchronization

enum Termination {
  private static let requested = Atomic<Bool>(false)

  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// As process 1 of a container the program would otherwise be deaf to SIGTERM.
  static func install() {
    // Touched first, so that it is not initialised within a signal handler.
    Termination.requested.store(false, ordering: .relaxed)
    for number in [SIGTERM, SIGINT] {
      _ = signal(number) { _ in Termination.requested.store(true, ordering: .relaxed) }
    }
  }
}
