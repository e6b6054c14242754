// The result of a run as one line of JSON, where Kubernetes shows it: in the status of the container.

internal import Console
internal import Glibc
internal import SystemCalls

package enum TerminationMessage {
  /// Kubernetes cuts at 4096 bytes, the line end among them, and would leave half a line.
  private static let mostBytes = 4096

  private struct Message: Encodable {
    var result: String
    var status: Int32
    var version = Version.current
    var path: String?
    var bytes: Int?
    var sha256: String?
    var unchanged: Bool?
    var snapshotBytes: Int?
    var snapshotSha256: String?
    var stage: String?
    var cause: String?
    var hint: String?
  }

  package static func render(_ result: RunResult) -> String {
    switch result {
    case .success(let record):
      var message = Message(result: "success", status: result.status.rawValue)
      message.path = "\(record.path)"
      message.bytes = record.size
      message.sha256 = record.sha256
      message.snapshotBytes = record.encoding?.snapshotSize ?? record.size
      message.snapshotSha256 = record.encoding?.snapshotSHA256 ?? record.sha256
      return OneLineJSON.encode(message)
    case .unchanged(let backup):
      var message = Message(result: "success", status: result.status.rawValue)
      message.path = "\(backup.path)"
      message.bytes = backup.size
      message.sha256 = backup.sha256
      message.snapshotBytes = backup.snapshotSize
      message.snapshotSha256 = backup.snapshotSHA256
      message.unchanged = true
      return OneLineJSON.encode(message)
    case .failure(let error, let path):
      return render(error, path: path)
    }
  }

  package static func render(_ backup: ReadBackup) -> String {
    switch backup {
    case .whole(let verified): return render(verified)
    case .undecrypted(let stored):
      var message = Message(result: "success", status: ExitStatus.success.rawValue)
      message.path = "\(stored.path)"
      message.bytes = stored.details.size
      message.sha256 = stored.sha256
      return OneLineJSON.encode(message)
    }
  }

  package static func render(_ verified: VerifiedBackup) -> String {
    var message = Message(result: "success", status: ExitStatus.success.rawValue)
    message.path = "\(verified.path)"
    message.bytes = verified.details.size
    message.sha256 = verified.sha256
    message.snapshotBytes = verified.snapshotSize
    message.snapshotSha256 = verified.snapshotSHA256
    return OneLineJSON.encode(message)
  }

  package static func render(_ error: CommandError) -> String {
    var message = Message(result: "failure", status: error.status.rawValue)
    message.cause = error.cause
    message.hint = error.hint
    return encodeCut(message)
  }

  package static func render(_ error: RunError, path: BackupPath? = nil) -> String {
    var message = Message(
      result: error.status == .incomplete ? "incomplete" : "failure", status: error.status.rawValue)
    message.path = path.map { "\($0)" }
    message.stage = error.stage.rawValue
    message.cause = error.cause
    message.hint = error.hint
    return encodeCut(message)
  }

  private static func encodeCut(_ whole: Message) -> String {
    var whole = whole
    // Before anything is cut: half a secret would not be recognised.
    whole.cause = whole.cause.map { Secrets.redact($0) }
    whole.hint = whole.hint.map { Secrets.redact($0) }
    var message = whole
    var line = OneLineJSON.encode(message)
    // How long a text becomes only its encoding tells: one character may be many bytes.
    var room = 2400
    while line.utf8.count >= mostBytes, room > 0 {
      message.cause = whole.cause.map { shortened($0, to: room) }
      message.hint = whole.hint.map { shortened($0, to: room / 3) }
      line = OneLineJSON.encode(message)
      room /= 2
    }
    return line
  }

  private static func shortened(_ text: String, to count: Int) -> String {
    let start = text.unicodeScalars.prefix(count)
    return start.endIndex == text.endIndex ? text : String(start) + "…"
  }

  /// Writes in place, since Kubernetes mounts the file; where there is none, this does nothing. A
  /// pipe without a reader holds nothing up.
  package static func write(_ line: String, to path: String) {
    let flags = O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK
    guard let file = try? SystemCall.run({ unsafe open(path, flags) }) else { return }
    defer { close(file) }
    let bytes = Array("\(line)\n".utf8)
    _ = try? unsafe SystemCall.write(bytes.span.bytes, to: file)
  }
}
