// The storage account's shared key, decoded once at start-up.

internal import Console
internal import FoundationEssentials

/// Printing it in any way yields `<account key>`; only `SharedKey` reads the bytes.
package struct AccountKey: Sendable, Equatable {
  let bytes: [UInt8]

  /// Returns `nil` if `text` is not base64, which is how the Azure portal shows keys.
  package init?(_ text: String) {
    guard let bytes = Data(base64Encoded: text), !bytes.isEmpty else { return nil }
    self.bytes = Array(bytes)
    Secrets.register(text)
  }

  /// What people store in place of a key.
  package enum Mistake: Sendable {
    case signature, connectionString, encodedTwice
  }

  /// `nil` where `text` looks like a key, or like nothing that is known.
  package static func mistake(in text: String) -> Mistake? {
    if text.contains("AccountKey=") { return .connectionString }
    let names = text.drop { $0 == "?" }.split(separator: "&").map { $0.prefix { $0 != "=" } }
    if names.contains(where: { $0 == "sig" || $0.hasSuffix("?sig") }) { return .signature }
    // Of a key's random bytes none in four would be a character of base64.
    if let outer = Data(base64Encoded: text), outer.count >= 40,
      let inner = Data(base64Encoded: outer), inner.count >= 30
    {
      return .encodedTwice
    }
    return nil
  }
}

extension AccountKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "<account key>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
