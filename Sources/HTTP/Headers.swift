// Header fields in the order in which they are sent or came; names compare without case.

package struct Headers: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  package struct Field: Sendable, Equatable {
    package let name: String
    package let value: String
  }

  package private(set) var fields: [Field] = []

  package init() {}

  package init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { add(name, value) }
  }

  package mutating func add(_ name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }

  /// The first value under this name; assigning replaces every value under it.
  package subscript(_ name: String) -> String? {
    get {
      let wanted = name.lowercased()
      return fields.first { $0.name.lowercased() == wanted }?.value
    }
    set {
      let wanted = name.lowercased()
      fields.removeAll { $0.name.lowercased() == wanted }
      if let newValue { add(name, newValue) }
    }
  }

  /// Adds one line of an answer's head, `Name: value`; anything else is passed over.
  mutating func add(line: Substring) {
    guard let colon = line.firstIndex(of: ":") else { return }
    let value = line[line.index(after: colon)...]
    add(String(line[..<colon]), String(value.trimmingBlanks()))
  }
}

extension Substring {
  /// Without blanks, tabs and line ends around it.
  package func trimmingBlanks() -> Substring {
    let isBlank = { (character: Character) in character.isWhitespace }
    var rest = drop(while: isBlank)
    while let last = rest.last, isBlank(last) { rest.removeLast() }
    return rest
  }
}
