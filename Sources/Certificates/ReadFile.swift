internal import Glibc
internal import SystemCalls

/// Reads files that a person names: kubeconfigs, tokens, certificates.
package enum ReadFile {
  /// A kubeconfig with a few hundred clusters and all their certificates has less.
  package static let largest = 8 << 20
  private static let longestWait = Duration.seconds(5)

  /// The whole file, at most `largest` bytes. A pipe may take 5 seconds for each piece, so that one
  /// without a writer cannot hold the run.
  package static func read(
    at path: String, largest: Int = largest
  ) throws(UnreadableFile) -> [UInt8] {
    let file: Int32
    do throws(SystemError) {
      file = try SystemCall.run { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    } catch {
      throw unreadable(error)
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count: Int
      do throws(SystemError) {
        count = try SystemCall.run { unsafe Glibc.read(file, &piece, piece.count) }
      } catch {
        guard error.code == EAGAIN else { throw unreadable(error) }
        try waitForBytes(of: file)
        continue
      }
      guard count > 0 else { return bytes }
      bytes += piece[..<count]
      guard bytes.count <= largest else {
        throw UnreadableFile(reason: "it is larger than \(largest >> 20) MiB")
      }
    }
  }

  private static func waitForBytes(of file: Int32) throws(UnreadableFile) {
    let end = ContinuousClock.now + longestWait
    // A signal ends one wait.
    while !SystemCall.isReady(file, for: .reading, within: 200) {
      guard .now < end else {
        throw UnreadableFile(
          reason:
            "it is a pipe, and nothing came through within \(longestWait.components.seconds) s")
      }
    }
  }

  private static func unreadable(_ error: SystemError) -> UnreadableFile {
    switch error.code {
    case ENOENT: UnreadableFile(reason: "there is no such file")
    case EACCES, EPERM: UnreadableFile(reason: "permission to read it is denied")
    default: UnreadableFile(reason: "it cannot be read: \(error)")
    }
  }
}

/// Why a file could not be read, as the end of a sentence about it.
package struct UnreadableFile: Error, CustomStringConvertible {
  package let reason: String

  package init(reason: String) { self.reason = reason }

  package var description: String { reason }
}
