/// A version of the Blob service, as the header field `x-ms-version` names it: a date.
///
/// See https://learn.microsoft.com/rest/api/storageservices/versioning-for-the-azure-storage-services.
package struct ServiceVersion: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// The newest version whose behaviour this module was written for.
  package static let standard = ServiceVersion(known: "2021-12-02")

  /// The first that checks the CRC64 of a block (`x-ms-content-crc64`), on which the integrity of
  /// an upload rests. Everything else that this module uses is older.
  package static let oldest = ServiceVersion(known: "2019-02-02")

  /// The first that has the access tier Cold.
  package static let coldTier = ServiceVersion(known: "2021-12-02")

  /// The first that has immutability policies of single blobs.
  package static let immutability = ServiceVersion(known: "2020-06-12")

  /// Dates in this form have the order of their texts.
  package func isOlder(than other: ServiceVersion) -> Bool { description < other.description }

  private init(known text: String) { description = text }

  /// Whether the store knows the version only the store can say.
  package init(_ text: String) throws(InvalidValue) {
    guard Self.isDate(text), text >= Self.oldest.description else {
      throw InvalidValue(
        text,
        expected: "a version of the Blob service: a date from \(Self.oldest) on, such as "
          + "2019-07-07 (CRC64 of blocks needs \(Self.oldest))")
    }
    description = text
  }

  private static func isDate(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2], parts.joined().allSatisfy(\.isDigit),
      let month = Int(String(decoding: parts[1], as: UTF8.self)),
      let day = Int(String(decoding: parts[2], as: UTF8.self))
    else { return false }
    let days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...12).contains(month) && (1...days[month - 1]).contains(day)
  }
}
