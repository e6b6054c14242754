// What the API server accepts as a ConfigMap.

/// Validation of ConfigMaps, with the API server's words.
enum ConfigMapRules {
  static let maximumDataSize = 1 << 20

  /// Throws 422 for anything a ConfigMap cannot be; `old` is what it would replace.
  static func check(_ object: JSON, name: String, replacing old: JSON?) throws {
    for field in ["data", "binaryData"] {
      guard let members = object[field], members != .null else { continue }
      guard let pairs = members.members, pairs.values.allSatisfy({ $0.text != nil }) else {
        throw undecodable(object, field)
      }
    }
    let pairs = ["data", "binaryData"].flatMap { field in
      (object[field]?.members ?? [:]).sorted { $0.key < $1.key }.map { (field, $0.key, $0.value) }
    }
    var causes: [APIStatus.Cause] = []
    for (field, key, _) in pairs where !isKey(key) {
      causes.append(
        .init(
          reason: "FieldValueInvalid",
          message: "Invalid value: \"\(key)\": a valid config key must consist of alphanumeric "
            + "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', "
            + "regex used for validation is '[-._a-zA-Z0-9]+')",
          field: "\(field)[\(key)]"))
    }
    let size = pairs.reduce(0) { $0 + ($1.2.text?.utf8.count ?? 0) }
    if size > maximumDataSize {
      causes.append(
        .init(
          reason: "FieldValueTooLong",
          message: "Too long: may not be more than \(maximumDataSize) bytes", field: ""))
    }
    if let old, old["immutable"] == .bool(true) {
      for field in ["data", "binaryData", "immutable"] where old[field] != object[field] {
        causes.append(
          .init(
            reason: "FieldValueForbidden",
            message: "Forbidden: field is immutable when `immutable` is set", field: field))
      }
    }
    guard causes.isEmpty else { throw APIStatus.invalid("ConfigMap", name, causes) }
  }

  private static func undecodable(_ object: JSON, _ field: String) -> APIStatus {
    // The server quotes the whole object, so callers must not log this blindly.
    let text = (try? object.serialized()).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return APIStatus.invalid(
      "", "",
      [
        .init(
          reason: "FieldValueInvalid",
          message: "Invalid value: \(text): json: cannot unmarshal into Go struct field "
            + "ConfigMap.\(field) of type string", field: "patch")
      ])
  }

  private static func isKey(_ key: String) -> Bool {
    (1...253).contains(key.utf8.count) && key != "." && !key.hasPrefix("..")
      && key.utf8.allSatisfy { byte in
        "-._".utf8.contains(byte) || isAlphanumeric(byte)
      }
  }

  /// A DNS subdomain: what objects are named by.
  static func isObjectName(_ name: String) -> Bool {
    (1...253).contains(name.utf8.count)
      && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
        guard let first = label.utf8.first, let last = label.utf8.last else { return false }
        return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
          && label.utf8.allSatisfy {
            $0 == UInt8(ascii: "-") || (isAlphanumeric($0) && !(65...90).contains($0))
          }
      }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}
