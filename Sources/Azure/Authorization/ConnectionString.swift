// A connection string of a storage account: its address and its credential in one text.
//
// See https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string.

internal import Console
internal import HTTP

package struct ConnectionString {
  package let endpoint: StorageEndpoint
  package let credential: StorageCredential

  /// The emulators' address and public key.
  private static let emulator = [
    "accountname": "devstoreaccount1",
    "accountkey":
      "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "blobendpoint": "http://127.0.0.1:10000/devstoreaccount1",
  ]

  package init(_ text: String, for container: ContainerName) throws(ConnectionStringFault) {
    var fields = try Self.fields(of: text)
    if fields["usedevelopmentstorage"]?.lowercased() == "true" { fields = Self.emulator }
    endpoint = try Self.endpoint(fields)

    switch (fields["accountkey"], fields["sharedaccesssignature"]) {
    case (.some, .some): throw .twoCredentials
    case (nil, nil): throw .noCredential
    case (let text?, nil):
      guard fields["accountname"] != nil else { throw .noAccount }
      guard let key = AccountKey(text) else { throw .unusableKey }
      credential = StorageCredential(key, of: endpoint.account)
    case (nil, let text?):
      do throws(SignatureFault) {
        credential = StorageCredential(
          try SharedAccessSignature(text, for: container, at: endpoint))
      } catch {
        throw .signature(error)
      }
    }
  }

  /// By their lower-case names.
  private static func fields(of text: String) throws(ConnectionStringFault) -> [String: String] {
    var text = text[...]
    // A shell's quotes around it.
    for quote in ["\"", "'"] where text.count >= 2 && text.hasPrefix(quote) && text.hasSuffix(quote)
    {
      text = text.dropFirst().dropLast()
    }
    var fields: [String: String] = [:]
    var isWellFormed = true
    for pair in text.split(separator: ";") {
      let pair = pair.trimmingBlanks()
      guard !pair.isEmpty else { continue }
      let name = pair.prefix { $0 != "=" }
      let value = String(pair.dropFirst(name.count + 1))
      if name.lowercased() == "accountkey" { Secrets.register(value) }
      isWellFormed =
        name.count < pair.count && fields.updateValue(value, forKey: name.lowercased()) == nil
        && isWellFormed
    }
    guard isWellFormed, !fields.isEmpty else { throw .malformed }
    // Set to nothing is not set.
    return fields.filter { !$0.value.isEmpty }
  }

  private static func endpoint(
    _ fields: [String: String]
  ) throws(ConnectionStringFault) -> StorageEndpoint {
    let account = fields["accountname"]
    var address = fields["blobendpoint"]
    if address == nil {
      guard fields["blobsecondaryendpoint"] == nil else { throw .secondaryOnly }
      guard let account else { throw .noAddress }
      let scheme = fields["defaultendpointsprotocol"] ?? "https"
      address = "\(scheme)://\(account).blob.\(fields["endpointsuffix"] ?? "core.windows.net")"
    }
    do throws(InvalidValue) {
      let url = try ServerURL(service: address ?? "")
      return try StorageEndpoint(account: account ?? name(in: url), url: url)
    } catch {
      throw .unusableAddress(expected: error.expected)
    }
  }

  /// Where no account is named: an emulator's stands in the path, any other in the host name.
  private static func name(in url: ServerURL) -> String {
    if !url.path.isEmpty { return String(url.path.dropFirst()) }
    return String(url.host.prefix { $0 != "." })
  }
}

extension ConnectionString: CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  package var description: String { "<connection string of \(endpoint.account)>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a connection string cannot be used.
package enum ConnectionStringFault: Error, Equatable {
  case malformed
  case noCredential, twoCredentials
  case noAccount, noAddress, secondaryOnly
  case unusableAddress(expected: String)
  case unusableKey
  case signature(SignatureFault)
}

extension ConnectionStringFault: CustomStringConvertible {
  /// What is wrong with it, as what follows its name; never any of its value.
  package var description: String {
    switch self {
    case .malformed: "is not a connection string: Name=value pairs, each name once, separated by ;"
    case .noCredential: "has neither AccountKey nor SharedAccessSignature"
    case .twoCredentials: "has both AccountKey and SharedAccessSignature"
    case .noAccount: "has an AccountKey, but no AccountName"
    case .noAddress: "has neither AccountName nor BlobEndpoint"
    case .secondaryOnly: "has a BlobSecondaryEndpoint, but no BlobEndpoint"
    case .unusableAddress(let expected):
      "has an AccountName or a BlobEndpoint that is not \(expected)"
    case .unusableKey: "has an AccountKey that is not base64"
    case .signature(let fault): "has a SharedAccessSignature that \(fault)"
    }
  }
}
