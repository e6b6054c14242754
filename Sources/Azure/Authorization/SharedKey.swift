// Signs requests with a storage account's key: Azure's "Shared Key" scheme of 2009-09-19 and later.
//
// See https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key.

internal import Console
internal import Digests
internal import FoundationEssentials
internal import HTTP

package struct SharedKey: Sendable, Equatable {
  package let account: String
  private let key: AccountKey

  package init(account: String, key: AccountKey) {
    self.account = account
    self.key = key
  }

  /// The value of the `Authorization` field.
  package func authorization(for request: StorageRequest) -> String {
    let signature = signature(of: stringToSign(for: request))
    Secrets.registerPassing(signature)
    return "SharedKey \(account):\(signature)"
  }

  private func signature(of text: String) -> String {
    Data(HMACSHA256.code(of: Array(text.utf8), key: key.bytes)).base64EncodedString()
  }

  /// What the service composes from the request that arrives, and compares signatures of.
  package func stringToSign(for request: StorageRequest) -> String {
    let headers = request.headers
    let length = request.body?.count ?? 0
    let lines = [
      request.method,
      headers["content-encoding"] ?? "",
      headers["content-language"] ?? "",
      length == 0 ? "" : String(length),  // an empty body's length is sent but not signed
      headers["content-md5"] ?? "",
      headers["content-type"] ?? "",
      "",  // Date: x-ms-date stands in for it
      headers["if-modified-since"] ?? "",
      headers["if-match"] ?? "",
      headers["if-none-match"] ?? "",
      headers["if-unmodified-since"] ?? "",
      "",  // Range: x-ms-range stands in for it
    ]
    let all = lines + canonicalHeaders(headers) + canonicalResource(of: request)
    return all.joined(separator: "\n")
  }

  /// The `x-ms-` fields, one a line, in the order of the service.
  private func canonicalHeaders(_ headers: Headers) -> [String] {
    headers.fields
      .map { (name: $0.name.lowercased(), value: $0.value) }
      .filter { $0.name.hasPrefix("x-ms-") }
      .sorted { Self.collationKey($0.name).lexicographicallyPrecedes(Self.collationKey($1.name)) }
      .map { "\($0.name):\($0.value)" }
  }

  /// The service compares names as a dictionary would: hyphens do not count, and an underscore
  /// comes before a digit, a digit before a letter.
  private static func collationKey(_ name: String) -> [UInt8] {
    name.utf8.filter { $0 != UInt8(ascii: "-") }
      .map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "!") : $0 }
  }

  /// Account and path as sent, then one line for each query parameter, decoded and sorted.
  private func canonicalResource(of request: StorageRequest) -> [String] {
    let parameters =
      request.query
      .map { (name: $0.name.lowercased(), value: $0.value) }
      .sorted { $0.name < $1.name }
      .map { "\($0.name):\($0.value)" }
    return ["/\(account)\(request.path)"] + parameters
  }
}
