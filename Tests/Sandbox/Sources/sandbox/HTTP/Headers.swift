/// The header fields of one message, in order; names are compared without regard to case.
struct Headers: Sendable {
  struct Field: Sendable {
    let name: String
    /// The name in lower case.
    let key: String
    let value: String
  }

  private(set) var fields: [Field] = []

  mutating func append(_ name: String, _ value: String) {
    fields.append(Field(name: name, key: name.lowercased(), value: value))
  }

  /// All values of one name, separated by commas; `nil` when the field is missing. Setting a value
  /// replaces all values there were.
  subscript(_ name: String) -> String? {
    get {
      let key = name.lowercased()
      let values = fields.lazy.filter { $0.key == key }.map(\.value)
      return values.isEmpty ? nil : values.joined(separator: ", ")
    }
    set {
      let key = name.lowercased()
      fields.removeAll { $0.key == key }
      if let newValue { append(name, newValue) }
    }
  }
}
