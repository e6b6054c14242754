// A Secret as read from the API server. Printing it in any way shows its name only.

internal import FoundationEssentials

package struct Secret: Sendable {
  package let name: String
  package let namespace: String
  /// Values as they came: base64.
  private let encoded: [String: String]

  init(name: String, namespace: String, encoded: [String: String]) {
    self.name = name
    self.namespace = namespace
    self.encoded = encoded
  }

  /// The keys that there are, in order.
  package var keys: [String] { encoded.keys.sorted() }

  /// A value byte for byte.
  package func bytes(_ key: String) throws(KubernetesError) -> [UInt8] {
    guard let text = encoded[key] else {
      throw .keyMissing(key, secret: name, namespace: namespace, present: keys)
    }
    guard let bytes = Data(base64Encoded: text) else {
      throw .keyNotBase64(key, secret: name, namespace: namespace)
    }
    return Array(bytes)
  }

  /// A value as text, without what editors and shells leave around it.
  package func text(_ key: String) throws(KubernetesError) -> String {
    guard let text = String(validating: try bytes(key), as: UTF8.self) else {
      throw .keyNotText(key, secret: name, namespace: namespace)
    }
    let value = Self.withoutResidue(text)
    guard !value.isEmpty else { throw .keyEmpty(key, secret: name, namespace: namespace) }
    return value
  }

  /// Without what editors and shells leave around a value: blanks, line ends, a byte order mark.
  package static func withoutResidue(_ text: String) -> String {
    let isResidue = { (scalar: Unicode.Scalar) in
      scalar.properties.isWhitespace || scalar == "\u{FEFF}"
    }
    var rest = text.unicodeScalars.drop(while: isResidue)
    while let last = rest.last, isResidue(last) { rest.removeLast() }
    return String(rest)
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "Secret \(namespace)/\(name)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
