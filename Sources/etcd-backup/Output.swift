/// Lines for people and scripts, beside the log.

internal import Glibc

enum Output {
  /// One line, at once: a pipe's buffer would be lost if the process ended badly.
  static func line(_ text: String, to descriptor: Int32) {
    let bytes = Array("\(text)\n".utf8)
    // Nobody is left to tell when this fails.
    _ = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
  }
}
