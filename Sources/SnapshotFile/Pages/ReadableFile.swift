internal import Glibc
internal import SystemCalls

/// Owns the descriptor of a file opened for reading.
package struct ReadableFile: ~Copyable {
  let path: String
  private let descriptor: Int32

  package init(_ path: String) throws(BoltError) {
    self.path = path
    do throws(SystemError) {
      descriptor = try SystemCall.run { unsafe open(path, O_RDONLY | O_CLOEXEC) }
    } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
  }

  deinit {
    close(descriptor)
  }

  /// Bytes in the file.
  var size: UInt64 {
    get throws(BoltError) {
      do throws(SystemError) {
        return UInt64(try SystemCall.run { lseek(descriptor, 0, SEEK_END) })
      } catch {
        throw .unreadable(path: path, reason: "\(error)")
      }
    }
  }

  /// Reads `count` bytes from `offset`, fewer only at the end of the file.
  package func read(_ count: Int, at offset: UInt64) throws(BoltError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    do throws(SystemError) {
      let done = try SystemCall.readAll(descriptor, at: Int(offset), into: &bytes)
      bytes.removeLast(count - done)
      return bytes
    } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
  }
}
