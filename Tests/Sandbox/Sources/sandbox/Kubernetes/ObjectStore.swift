// The API's objects: one JSON file each, which tests write and read as well.

import Foundation
import Synchronization

/// `NAMESPACE/{secrets,configmaps}/NAME.json` under one folder, read anew for every request.
final class ObjectStore: Sendable {
  private let folder: String
  /// Guards every read-change-write; holds the last resource version given out.
  private let lastVersion: Mutex<Int>

  init(folder: String) throws {
    self.folder = folder
    // Greater than every version of an earlier process.
    lastVersion = Mutex(Int(Date().timeIntervalSince1970 * 1000))
    try Files.makeFolder(folder)
  }

  var accessFile: String { "\(folder)/access.json" }

  func hasNamespace(_ namespace: String) -> Bool { Files.exists("\(folder)/\(namespace)") }

  private func file(_ resource: String, _ namespace: String, _ name: String) -> String {
    "\(folder)/\(namespace)/\(resource)/\(name).json"
  }

  /// The object as the API shows it; `nil` when there is none.
  func read(_ resource: String, _ namespace: String, _ name: String) throws -> JSON? {
    let file = file(resource, namespace, name)
    guard Files.exists(file) else { return nil }
    var object = try JSON(parsing: Files.read(file))
    guard object.members != nil else { throw APIStatus.internalError("\(file) is no JSON object") }
    object["apiVersion"] = .string("v1")
    object["kind"] = .string(resource == "secrets" ? "Secret" : "ConfigMap")
    if resource == "secrets", object["type"] == nil { object["type"] = .string("Opaque") }
    // A file written by hand need not have what only the API server sets.
    var metadata = object["metadata"] ?? .object([:])
    metadata["name"] = .string(name)
    metadata["namespace"] = .string(namespace)
    metadata["resourceVersion"] = metadata["resourceVersion"] ?? .string("1")
    metadata["uid"] =
      metadata["uid"] ?? .string(Digests.sha256Hex(Array("\(resource)/\(namespace)/\(name)".utf8)))
    object["metadata"] = metadata
    return object
  }

  /// Removes an object; returns it as it was, `nil` when there was none.
  func remove(_ resource: String, _ namespace: String, _ name: String) throws -> JSON? {
    try lastVersion.withLock { _ in
      guard let old = try read(resource, namespace, name) else { return nil }
      try Files.remove(file(resource, namespace, name))
      return old
    }
  }

  /// Replaces an object by what `change` makes of it, alone, and returns it as it is afterwards.
  /// `change` returns the new object, which then gets a new resource version, or `nil` to leave
  /// the old one as it is.
  func change(
    _ resource: String, _ namespace: String, _ name: String, isDryRun: Bool,
    _ change: (JSON?) throws -> JSON?
  ) throws -> JSON {
    try lastVersion.withLock { lastVersion in
      let old = try read(resource, namespace, name)
      guard var new = try change(old) else { return old ?? .null }
      guard var metadata = new["metadata"] else {
        throw APIStatus.internalError("an object without metadata")
      }
      if isDryRun { return new }
      lastVersion += 1
      metadata["resourceVersion"] = .string(String(lastVersion))
      new["metadata"] = metadata
      let file = file(resource, namespace, name)
      try Files.makeFolder("\(folder)/\(namespace)/\(resource)")
      try Files.replace(file, with: try new.serialized())
      return new
    }
  }
}
