// JSON that stays one line wherever it is shown.

internal import Console
internal import FoundationEssentials

package enum OneLineJSON {
  /// Keys are sorted. Beyond what JSON demands, everything is escaped that ends a line somewhere or
  /// that a terminal obeys, and the strings hold no secret.
  package static func encode(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else {
      preconditionFailure("a value of plain fields could not be encoded as JSON")
    }
    return Printable.json(String(decoding: data, as: UTF8.self))
  }
}
