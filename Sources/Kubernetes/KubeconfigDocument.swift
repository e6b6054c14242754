// A kubeconfig as it stands in its file: entries and fields by name, faults with their place.
//
// Read from YAML's nodes and not through a decoder, so that an error names entry and field and
// never quotes a value. JSON is YAML too.

internal import Certificates
internal import FoundationEssentials

struct KubeconfigDocument {
  private let root: YAMLNode
  /// Relative paths count from here.
  private let folder: String

  init(_ text: String, folder: String) throws(KubeconfigFault) {
    self.folder = folder
    let document: YAMLDocument
    do throws(YAMLDocument.Problem) {
      document = try YAMLDocument(text)
    } catch {
      throw .notYAML(problem: error.description, line: error.line)
    }
    guard let root = document.root, root.isMapping else {
      throw .notYAML(problem: "no mapping at the top", line: nil)
    }
    self.root = root
    try check()
  }

  /// What kubectl refuses a whole kubeconfig for.
  private func check() throws(KubeconfigFault) {
    for (field, value) in [("apiVersion", "v1"), ("kind", "Config")] {
      guard let node = root[field], let text = Self.text(node) else { continue }
      guard node.isText, text == value else { throw .malformed(field, expected: value) }
    }
    if let node = root["current-context"], Self.text(node) != nil, !node.isText {
      throw .malformed("current-context", expected: Self.textExpected)
    }
    if let node = root["preferences"], !node.isMapping, !isNothing(node) {
      throw .malformed("preferences", expected: "a mapping")
    }
    for kind in [KubeconfigEntry.Kind.context, .cluster, .user] {
      try check(kind)
    }
  }

  private func check(_ kind: KubeconfigEntry.Kind) throws(KubeconfigFault) {
    if let node = root["\(kind.rawValue)s"], !node.isList, !isNothing(node) {
      throw .malformed("\(kind.rawValue)s", expected: "a list")
    }
    var seen: Set<String> = []
    for entry in list(kind) {
      guard let name = entry["name"], let text = Self.text(name) else { continue }
      guard name.isText else {
        throw .malformed("a name in \(kind.rawValue)s", expected: Self.textExpected)
      }
      guard seen.insert(text).inserted else {
        throw .twice(KubeconfigEntry(kind: kind, name: text))
      }
    }
  }

  private func isNothing(_ node: YAMLNode) -> Bool {
    node.scalar != nil && Self.text(node) == nil
  }

  fileprivate static let textExpected =
    "text, but a number or a boolean to kubectl: put it in quotes"

  var currentContext: String? {
    root["current-context"].flatMap(Self.text)
  }

  /// The names of all entries of a kind, in the order of the file.
  func names(_ kind: KubeconfigEntry.Kind) -> [String] {
    list(kind).compactMap { $0["name"].flatMap(Self.text) }
  }

  /// The entry of this name.
  func section(
    _ kind: KubeconfigEntry.Kind, named name: String
  ) throws(KubeconfigFault) -> Section {
    let entry = KubeconfigEntry(kind: kind, name: name)
    let found = list(kind).first { $0["name"].flatMap(Self.text) == name }
    guard let found else { throw .noSuchEntry(entry, present: names(kind)) }
    return Section(entry: entry, node: found[kind.rawValue], folder: folder)
  }

  private func list(_ kind: KubeconfigEntry.Kind) -> [YAMLNode] {
    root["\(kind.rawValue)s"]?.elements ?? []
  }

  /// A scalar's text; `nil` for YAML's several ways to write nothing.
  fileprivate static func text(_ node: YAMLNode) -> String? {
    guard let scalar = node.scalar, !scalar.text.isEmpty else { return nil }
    if scalar.isPlain, ["~", "null", "Null", "NULL"].contains(scalar.text) { return nil }
    return scalar.text
  }
}

extension KubeconfigDocument {
  /// The fields of one context, cluster or user.
  struct Section {
    let entry: KubeconfigEntry
    fileprivate let node: YAMLNode?
    fileprivate let folder: String
    /// Of a mapping within the entry, the name of its field and a full stop.
    fileprivate var prefix = ""

    /// The mapping that a field holds; `nil` where there is none.
    func section(_ field: String) throws(KubeconfigFault) -> Section? {
      guard let value = node?[field], has(field) else { return nil }
      guard value.isMapping else { throw malformed(field, expected: "a mapping") }
      return Section(entry: entry, node: value, folder: folder, prefix: "\(prefix)\(field).")
    }

    /// The mappings of the list that a field holds.
    func sections(_ field: String) throws(KubeconfigFault) -> [Section] {
      try elements(field).map { element throws(KubeconfigFault) in
        guard element.isMapping else { throw malformed(field, expected: "a list of mappings") }
        return Section(entry: entry, node: element, folder: folder, prefix: "\(prefix)\(field).")
      }
    }

    /// The texts of the list that a field holds.
    func texts(_ field: String) throws(KubeconfigFault) -> [String] {
      try elements(field).map { element throws(KubeconfigFault) in
        guard let text = element.scalar?.text, element.isText else {
          throw malformed(field, expected: "a list of texts")
        }
        return text
      }
    }

    private func elements(_ field: String) throws(KubeconfigFault) -> [YAMLNode] {
      guard let value = node?[field], has(field) else { return [] }
      guard value.isList else { throw malformed(field, expected: "a list") }
      return value.elements
    }

    /// Whatever a field holds.
    func json(_ field: String) throws(KubeconfigFault) -> JSONValue {
      guard let value = node?[field] else { return .null }
      guard let json = value.json() else {
        throw malformed(field, expected: "a value that JSON can hold")
      }
      return json
    }

    func has(_ field: String) -> Bool {
      guard let value = node?[field] else { return false }
      // No groups at all are no impersonation, to kubectl either.
      if field.hasPrefix("as-"), value.isEmptyCollection { return false }
      return value.scalar == nil || KubeconfigDocument.text(value) != nil
    }

    func text(_ field: String) throws(KubeconfigFault) -> String? {
      guard let value = node?[field] else { return nil }
      guard value.scalar != nil else { throw malformed(field, expected: "text") }
      guard let text = KubeconfigDocument.text(value) else { return nil }
      guard value.isText else {
        throw malformed(field, expected: KubeconfigDocument.textExpected)
      }
      return text
    }

    func flag(_ field: String) throws(KubeconfigFault) -> Bool {
      guard let value = node?[field] else { return false }
      guard value.scalar != nil else { throw malformed(field, expected: "true or false") }
      guard let text = KubeconfigDocument.text(value) else { return false }
      // As YAML 1.1 has it, which kubectl reads; in quotes each of them is a text.
      guard value.scalar?.isPlain == true else {
        throw malformed(field, expected: "true or false, without quotes")
      }
      switch text {
      case "false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off", "OFF": return false
      case "true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON": return true
      default: throw malformed(field, expected: "true or false")
      }
    }

    /// The path that a field holds, made absolute or relative to our own folder.
    func path(_ field: String) throws(KubeconfigFault) -> String? {
      guard let path = try text(field) else { return nil }
      return path.hasPrefix("/") ? path : folder + path
    }

    /// PEM from `field` + `-data`, inline in base64, or else from the file that `field` names.
    func pem(_ field: String) throws(KubeconfigFault) -> PEMText? {
      if let text = try text("\(field)-data") {
        guard try self.text(field) == nil else { throw .both(entry, field: field) }
        // Line ends may stand in it, blanks may not.
        guard let data = Data(base64Encoded: text.filter { !$0.isNewline }) else {
          throw malformed("\(field)-data", expected: "PEM in base64")
        }
        return PEMText(Array(data), named: "\(field)-data")
      }
      guard let path = try path(field) else { return nil }
      do throws(UnreadableFile) {
        return PEMText(try ReadFile.read(at: path), named: "\(field) \(path)")
      } catch {
        throw .unusableFile(entry, field: field, path: path, reason: error.reason)
      }
    }

    func malformed(_ field: String, expected: String) -> KubeconfigFault {
      .malformedField(entry, field: prefix + field, expected: expected)
    }
  }
}
