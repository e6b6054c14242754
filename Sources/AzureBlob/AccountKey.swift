/// The storage account's shared key, decoded once at start-up.

internal import FoundationEssentials

/// Printing it in any way yields `<account key>`; only `SharedKey` reads the bytes.
package struct AccountKey: Sendable, Equatable {
  let bytes: [UInt8]

  /// Returns `nil` if `text` is not base64, which is how the Azure portal shows keys.
  package init?(_ text: String) {
    guard let bytes = Data(base64Encoded: text), !bytes.isEmpty else { return nil }
    self.bytes = Array(bytes)
  }
}

extension AccountKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "<account key>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
