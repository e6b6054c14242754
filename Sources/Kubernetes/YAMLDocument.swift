// One YAML document, read by libyaml and looked at in place. JSON is YAML too.

internal import CYAML

/// A document and its nodes.
///
/// ```swift
/// let name = try YAMLDocument(bytes).root?["current-context"]?.scalar?.text
/// ```
///
/// Aliases are followed when they are looked at, never copied out: a document that expands to
/// billions of nodes costs no more than its text.
@safe final class YAMLDocument {
  private var document: yaml_document_t

  /// What libyaml found wrong, without any of the text: that may be a secret.
  struct Problem: Error, Equatable {
    let description: String
    /// From 1.
    let line: Int?
  }

  init(_ text: String) throws(Problem) {
    var parser = unsafe yaml_parser_t()
    guard unsafe yaml_parser_initialize(&parser) == 1 else {
      throw Problem(description: "libyaml could not allocate a parser", line: nil)
    }
    defer { unsafe yaml_parser_delete(&parser) }
    unsafe document = yaml_document_t()
    let bytes = Array(text.utf8)
    // The parser reads the bytes only until the document is loaded.
    let isLoaded = unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
      return unsafe yaml_parser_load(&parser, &document) == 1
    }
    guard isLoaded else {
      throw unsafe Problem(
        description: parser.problem.map { unsafe String(cString: $0) } ?? "it cannot be read",
        line: parser.error == YAML_READER_ERROR ? nil : Int(parser.problem_mark.line) + 1)
    }
    // What kubectl reads; libyaml takes later versions as well, in which other scalars are numbers.
    let version = unsafe document.version_directive
    if unsafe version != nil, unsafe version?.pointee.major != 1 || version?.pointee.minor != 1 {
      throw Problem(description: "%YAML names a version other than 1.1", line: nil)
    }
    if let line = lineOfRepeatedKey() {
      throw Problem(description: "a key stands twice in one mapping", line: line)
    }
    if let problem = unsupportedConstruct() { throw problem }
  }

  /// What would give other values than those that are read here: to pass over a merged `as` would
  /// be to act with more rights than were asked for.
  private func unsupportedConstruct() -> Problem? {
    let count = unsafe document.nodes.top - document.nodes.start
    for index in 0..<count {
      let node = YAMLNode(document: self, index: Int32(index + 1))
      if node.isBinary {
        return Problem(description: "!!binary is not supported", line: line(of: node))
      }
      let key = node.pairs.first {
        guard let scalar = $0.key.scalar else { return true }
        return scalar.isPlain && ["", "~", "null", "Null", "NULL"].contains(scalar.text)
      }
      if let key {
        return Problem(
          description: "a key of a mapping is null, a list or a mapping", line: line(of: key.key))
      }
      let merge = node.pairs.first { $0.key.scalar.map { $0.text == "<<" && $0.isPlain } ?? false }
      if let merge {
        return Problem(
          description: "the merge key << is not supported", line: line(of: merge.key))
      }
    }
    return nil
  }

  private func line(of node: YAMLNode) -> Int {
    unsafe withNode(node.index) { unsafe Int($0.start_mark.line) + 1 }
  }

  /// Where a key stands for the second time in its mapping: libyaml does not mind, but one of the
  /// two values is a mistake.
  private func lineOfRepeatedKey() -> Int? {
    let count = unsafe document.nodes.top - document.nodes.start
    for index in 0..<count {
      let node = YAMLNode(document: self, index: Int32(index + 1))
      var seen: Set<String> = []
      for (key, _) in node.pairs {
        guard let text = key.scalar?.text, !seen.insert(text).inserted else { continue }
        return unsafe withNode(key.index) { unsafe Int($0.start_mark.line) + 1 }
      }
    }
    return nil
  }

  deinit {
    unsafe yaml_document_delete(&document)
  }

  /// `nil` where the document is empty.
  var root: YAMLNode? {
    unsafe yaml_document_get_root_node(&document) == nil ? nil : YAMLNode(document: self, index: 1)
  }

  /// Calls `body` with the node of this index, from 1.
  fileprivate func withNode<Result>(
    _ index: Int32, _ body: (yaml_node_t) -> Result
  ) -> Result {
    guard let node = unsafe yaml_document_get_node(&document, index) else {
      preconditionFailure("libyaml lists a node that it does not have")
    }
    return unsafe body(node.pointee)
  }
}

/// One node of a document: a text, a list or a mapping.
struct YAMLNode {
  fileprivate let document: YAMLDocument
  fileprivate let index: Int32

  /// `nil` unless this is a scalar; `isPlain` where it stands without quotes.
  var scalar: (text: String, isPlain: Bool)? {
    unsafe document.withNode(index) { node in
      guard unsafe node.type == YAML_SCALAR_NODE else { return nil }
      let scalar = unsafe node.data.scalar
      let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      let text = unsafe String(decoding: bytes, as: UTF8.self)
      return unsafe (text, scalar.style == YAML_PLAIN_SCALAR_STYLE)
    }
  }

  fileprivate var isBinary: Bool { tag == "tag:yaml.org,2002:binary" }

  /// A scalar's tag says that it is a number, a boolean or something of one's own.
  var isTaggedOtherwise: Bool { tag != "tag:yaml.org,2002:str" }

  private var tag: String? {
    unsafe document.withNode(index) { node in
      guard let tag = unsafe node.tag else { return nil }
      return unsafe String(cString: UnsafeRawPointer(tag).assumingMemoryBound(to: CChar.self))
    }
  }

  /// A list or a mapping without anything in it.
  var isEmptyCollection: Bool { scalar == nil && elements.isEmpty && pairs.isEmpty }

  var isList: Bool {
    unsafe document.withNode(index) { unsafe $0.type == YAML_SEQUENCE_NODE }
  }

  var isMapping: Bool {
    unsafe document.withNode(index) { unsafe $0.type == YAML_MAPPING_NODE }
  }

  /// The elements of a list; empty for any other node.
  var elements: [YAMLNode] {
    unsafe document.withNode(index) { node in
      guard unsafe node.type == YAML_SEQUENCE_NODE else { return [] }
      let items = unsafe node.data.sequence.items
      let count = unsafe items.top - items.start
      return unsafe UnsafeBufferPointer(start: items.start, count: count).map {
        YAMLNode(document: document, index: $0)
      }
    }
  }

  /// The entries of a mapping in their order; empty for any other node.
  var pairs: [(key: YAMLNode, value: YAMLNode)] {
    unsafe document.withNode(index) { node in
      guard unsafe node.type == YAML_MAPPING_NODE else { return [] }
      let pairs = unsafe node.data.mapping.pairs
      let count = unsafe pairs.top - pairs.start
      return unsafe UnsafeBufferPointer(start: pairs.start, count: count).map {
        (
          YAMLNode(document: document, index: $0.key),
          YAMLNode(document: document, index: $0.value)
        )
      }
    }
  }

  /// The value of a mapping's entry under this key.
  subscript(key: String) -> YAMLNode? {
    pairs.first { $0.key.scalar?.text == key }?.value
  }
}

package enum LibYAML {
  /// Of the library that is linked, such as `0.2.5`.
  package static var version: String { unsafe String(cString: yaml_get_version_string()) }
}
