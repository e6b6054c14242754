// A backup in a local file as it is stored: encrypted, compressed or both.

internal import Encoding
package import SnapshotFile

extension Identities {
  private static let pieceSize = 1 << 20

  /// Reads the whole file as a stream, and verifies it. Nothing of it is written anywhere.
  ///
  /// Returns `nil` where it is not encoded: then it is a database, or none.
  package func inspect(encodedFile path: String) throws -> VerifiedSnapshot? {
    let file = try ReadableFile(path)
    var piece = try file.read(Self.pieceSize, at: 0)
    guard unsafe StreamForm(piece.span.bytes) != .other else { return nil }
    var reading = BackupReading(self, checkingPages: true)
    var offset: UInt64 = 0
    while !piece.isEmpty {
      try unsafe reading.append(piece.span.bytes) { _ in }
      if let obstacle = reading.obstacle { throw EncodedFileError(path: path, obstacle: obstacle) }
      offset += UInt64(piece.count)
      piece = try file.read(Self.pieceSize, at: offset)
    }
    switch try reading.finish({ _ in }) {
    case .whole(_, let snapshot): return snapshot
    case .undecrypted(_, let obstacle): throw EncodedFileError(path: path, obstacle: obstacle)
    }
  }
}

/// Nothing decrypts the file.
struct EncodedFileError: Error, CustomStringConvertible {
  let path: String
  let obstacle: BackupReading.Obstacle

  var description: String {
    switch obstacle {
    case .noIdentity: "\(path) is encrypted, and no identity was given"
    case .noneMatches(let error): "\(path) is encrypted: \(error)"
    }
  }
}

/// Why a file is no backup, as the command that inspects it says so.
package struct InspectionFailure: Error {
  package let description: String
  package let hint: String?
  /// What is wrong with the database, where it came to that.
  package let database: BoltError?

  package init(_ error: any Error) {
    var hint: String?
    var database: BoltError?
    switch error {
    case let error as BoltError: (hint, database) = (error.hint, error)
    case SnapshotFileError.unsound(let error), SnapshotFileError.notDatabase(let error):
      (hint, database) = (error.hint, error)
    case is EncodedFileError: hint = "Name the file of an identity with --identity."
    case let error as CodingError: hint = error.hint
    case let error as any OperatorError: hint = error.hint
    default: break
    }
    description = "\(error)"
    self.hint = hint
    self.database = database
  }
}
