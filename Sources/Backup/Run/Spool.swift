// A queue of bytes in a file without a name: what the upload cannot take yet waits here, and etcd does not.

internal import Digests
internal import Glibc
package import HTTP
internal import SystemCalls

/// First in, first out.
///
/// ```swift
/// let taken = spool.append(bytes)  // fewer than all of them: the caller waits for the upload
/// try spool.take(1 << 20, into: &piece)
/// ```
///
/// The file has no name (`NamelessFile`), so nothing is left behind however the
/// program ends. It is a ring: where it cannot grow, the room at its beginning is used
/// again once that has been taken out.
///
/// A file system may lose what it took, or give back something else, without a word. So a checksum
/// is kept of what goes in and one of what comes out, and they are compared whenever nothing waits.
@safe package struct Spool: ~Copyable {
  private let file: Int32
  private let limit: Int
  /// What waits stands between these two offsets; or, once `wrap` is set, from `readOffset` to
  /// `wrap` and from the beginning to `writeOffset`.
  private var readOffset = 0
  private var writeOffset = 0
  private var wrap: Int?
  private var wentIn = CRC64()
  private var cameOut = CRC64()

  /// `limit`, in bytes, bounds the file; a full folder bounds it as well.
  package init(in folder: String, limit: Int = .max) throws(SpoolError) {
    do throws(SystemError) {
      file = try NamelessFile.open(in: folder)
    } catch {
      throw .unusableFolder(folder, reason: "\(error)")
    }
    self.limit = limit
  }

  deinit {
    close(file)
  }

  /// Bytes that wait.
  package var count: Int {
    wrap.map { $0 - readOffset + writeOffset } ?? writeOffset - readOffset
  }

  /// Puts as many of `bytes` at the end of the queue as there is room for, and says how many.
  ///
  /// Whatever keeps the file from growing counts as full: then the caller waits for the upload,
  /// as it would without a spool.
  package mutating func append(_ bytes: RawSpan) -> Int {
    var done = write(bytes, upTo: wrap == nil ? limit : readOffset)
    if done < bytes.byteCount, wrap == nil, readOffset > 0 {
      wrap = writeOffset
      writeOffset = 0
      done += write(bytes.extracting(done...), upTo: readOffset)
    }
    wentIn.update(bytes.extracting(..<done))
    return done
  }

  /// Writes at `writeOffset` until all is written, `end` is reached or the file cannot grow.
  private mutating func write(_ bytes: RawSpan, upTo end: Int) -> Int {
    var done = 0
    let most = min(bytes.byteCount, end - writeOffset)
    while done < most {
      let piece = bytes.extracting(done..<most)
      guard let count = try? SystemCall.write(piece, to: file, at: writeOffset), count > 0 else {
        break
      }
      done += count
      writeOffset += count
    }
    return done
  }

  /// Replaces `bytes` by the first of the queue: `count` at most, and none only where none wait.
  package mutating func take(_ count: Int, into bytes: inout [UInt8]) throws(SpoolError) {
    let wanted = min(count, (wrap ?? writeOffset) - readOffset)
    bytes.removeAll(keepingCapacity: true)
    bytes.append(contentsOf: repeatElement(0, count: wanted))
    do throws(SystemError) {
      let count = try SystemCall.readAll(file, at: readOffset, into: &bytes)
      guard count == wanted else { throw SystemError(EIO) }
    } catch {
      throw .unreadable(reason: "\(error)")
    }
    readOffset += wanted
    if readOffset == wrap { (readOffset, wrap) = (0, nil) }
    unsafe cameOut.update(bytes.span.bytes)
    if self.count == 0 {
      (readOffset, writeOffset) = (0, 0)
      guard cameOut == wentIn else { throw .altered }
    }
  }
}

package enum SpoolError: OperatorError, Equatable {
  case unusableFolder(String, reason: String)
  case unreadable(reason: String)
  /// What came out is not what went in.
  case altered

  package var description: String {
    switch self {
    case .unusableFolder(let folder, let reason):
      "no file can be made in the spool folder \(folder): \(reason)"
    case .unreadable(let reason): "what was spooled cannot be read back: \(reason)"
    case .altered: "what was read back from the spool is not what was written to it"
    }
  }

  package var hint: String? {
    switch self {
    case .unusableFolder: "Mount a writable volume there, or unset APP_BACKUP_SPOOL_DIRECTORY."
    case .unreadable, .altered: "Is the volume behind the spool folder full or failing?"
    }
  }

  package var isConfiguration: Bool {
    if case .unusableFolder = self { true } else { false }
  }

  package var stopReason: StopReason? { nil }
}
