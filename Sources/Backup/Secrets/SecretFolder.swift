// A folder that stands for a Secret: one file for each key, all of one moment.

internal import Certificates
internal import FoundationEssentials

/// Kubernetes replaces all files of a mounted Secret at once: it moves a symbolic link from one folder to the
/// next, and each file is reached through that link. So what the link shows when reading begins is read to the
/// end: a certificate of today and a key of yesterday would open nothing.
struct SecretFolder {
  /// As the configuration names it.
  let path: String
  /// Where its files are.
  private let contents: String

  init(_ path: String) {
    self.path = path
    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/..data")
    contents = target.map { $0.hasPrefix("/") ? $0 : "\(path)/\($0)" } ?? path
  }

  /// The keys that there are, in order; what Kubernetes keeps for itself is none.
  func keys() throws(SecretValueError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
        .filter { !$0.hasPrefix(".") }.sorted()
    } catch {
      throw .unreadableFolder(path)
    }
  }

  func bytes(_ key: String) throws(SecretValueError) -> [UInt8] {
    let keys = try keys()
    guard keys.contains(key) else { throw .noFile(key, folder: path, present: keys) }
    let name = "\(path)/\(key)"
    // A file beside the link, and one whose folder has been removed since, is read where it is named.
    let linked = "\(contents)/\(key)"
    let isLinked = FileManager.default.fileExists(atPath: linked)
    return try Self.file(isLinked ? linked : name, named: name)
  }

  static func file(
    _ path: String, named name: String? = nil
  ) throws(SecretValueError) -> [UInt8] {
    do throws(UnreadableFile) {
      return try ReadFile.read(at: path, largest: PEMText.largest)
    } catch {
      throw .unreadableFile(name ?? path, reason: error.reason)
    }
  }
}
