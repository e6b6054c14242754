// Shared access signatures: whether the account's key, or a delegation key, signed the query, and what that allows.
//
// https://learn.microsoft.com/rest/api/storageservices/create-service-sas and the pages beside it.

import Foundation

/// One SAS as it arrived with a request.
struct SharedAccess {
  private let fields: [String: String]
  private let key: SharedKey

  /// The fields of a query that belong to a SAS.
  static let names: Set<String> = [
    "sv", "ss", "srt", "sr", "sp", "st", "se", "sip", "spr", "ses", "si", "sig", "sdd", "skoid",
    "sktid", "skt", "ske", "sks", "skv", "skdutid", "sduoid", "saoid", "suoid", "scid", "srh",
    "srq", "rscc", "rscd", "rsce", "rscl", "rsct",
  ]
  /// From here on the strings to sign have the lines that are composed below.
  private static let oldestVersion = "2020-12-06"
  private static let oldestDelegation = "2026-04-06"

  /// `nil` where the request carries none.
  init?(_ target: BlobTarget, key: SharedKey) throws(BlobError) {
    guard target["sig"] != nil else { return nil }
    var fields: [String: String] = [:]
    for parameter in target.query where Self.names.contains(parameter.name) {
      guard fields.updateValue(parameter.value, forKey: parameter.name) == nil else {
        throw Self.malformed
      }
    }
    self.fields = fields
    self.key = key
  }

  private static let malformed = BlobError.authenticationFailed(
    "Signature fields not well formed.")

  private subscript(_ name: String) -> String { fields[name] ?? "" }

  private var isForAccount: Bool { fields["ss"] != nil || fields["srt"] != nil }

  /// Throws unless the signature is right, holds now, and allows the operation.
  func verify(
    _ operation: BlobOperation?, _ target: BlobTarget, isEncrypted: Bool, now: HTTPDate
  ) throws(BlobError) {
    try checkFields()
    guard self["sig"] == signature(for: target) else {
      throw .authenticationFailed(
        "Signature did not match. String to sign used was \(stringToSign(for: target))")
    }
    try checkTimes(now)
    guard self["spr"] != "https" || isEncrypted else { throw .protocolMismatch }
    guard self["sip"].isEmpty || Self.includesLoopback(self["sip"]) else { throw .addressMismatch }
    // What is no operation at all is refused later, and not for this.
    guard let operation else { return }
    try checkResource(of: operation, target)
    guard allows(operation) else { throw .permissionMismatch }
  }

  // MARK: The signature

  private func checkFields() throws(BlobError) {
    let needed =
      isForAccount ? ["sv", "ss", "srt", "sp", "se", "sig"] : ["sv", "sr", "sp", "se", "sig"]
    guard needed.allSatisfy({ !self[$0].isEmpty }) else { throw Self.malformed }
    guard self["sv"] >= (isDelegated ? Self.oldestDelegation : Self.oldestVersion) else {
      throw .authenticationFailed("SAS field 'sv' is not well formed.")
    }
    // This sandbox has no stored policies, no users, and signs neither headers nor queries.
    for name in ["si", "sduoid", "skdutid", "srh", "srq"] where fields[name] != nil {
      throw Self.malformed
    }
  }

  private var isDelegated: Bool { fields["skoid"] != nil }

  private func signature(for target: BlobTarget) -> String {
    let secret = isDelegated ? delegationKey : key.bytes
    return Digests.authenticationCode(of: stringToSign(for: target), key: secret)
      .base64EncodedString()
  }

  /// Made of what the key says of itself, so that this sandbox need not keep any.
  private var delegationKey: Data {
    let names = ["skoid", "sktid", "skt", "ske", "sks", "skv"]
    return Digests.authenticationCode(
      of: names.map { self[$0] }.joined(separator: "\n"), key: key.bytes)
  }

  private func stringToSign(for target: BlobTarget) -> String {
    if isForAccount {
      let names = ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv", "ses"]
      return ([key.account] + names.map { self[$0] }).map { $0 + "\n" }.joined()
    }
    let resource =
      [key.account, target.container ?? ""] + (self["sr"] == "b" ? [target.blob ?? ""] : [])
    var lines = ["sp", "st", "se"].map { self[$0] } + ["/blob/" + resource.joined(separator: "/")]
    let issuer =
      isDelegated
      ? [
        "skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid", "skdutid", "sduoid",
      ]
      : ["si"]
    lines += (issuer + ["sip", "spr", "sv", "sr", "snapshot", "ses"]).map { self[$0] }
    if isDelegated { lines += ["", ""] }
    return (lines + ["rscc", "rscd", "rsce", "rscl", "rsct"].map { self[$0] })
      .joined(separator: "\n")
  }

  // MARK: What it allows

  private func checkTimes(_ now: HTTPDate) throws(BlobError) {
    let start = try time("st") ?? HTTPDate(seconds: 0)
    guard let end = try time("se") else { throw Self.malformed }
    guard start <= now, now < end else {
      throw .authenticationFailed(
        "Signature not valid in the specified time frame: Start [\(start)] - Expiry [\(end)] - "
          + "Current [\(now)]")
    }
    guard isDelegated else { return }
    guard let keyStart = try time("skt"), let keyEnd = try time("ske"), keyStart <= now,
      now < keyEnd
    else {
      throw .authenticationFailed("Key not valid in the specified time frame.")
    }
  }

  private func time(_ name: String) throws(BlobError) -> HTTPDate? {
    guard let text = fields[name] else { return nil }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    for format in ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd"] {
      formatter.dateFormat = format
      if let date = formatter.date(from: text) {
        return HTTPDate(seconds: Int(date.timeIntervalSince1970))
      }
    }
    throw Self.malformed
  }

  private func checkResource(of operation: BlobOperation, _ target: BlobTarget) throws(BlobError) {
    // Of the account itself any signature may ask.
    if operation == .getAccount { return }
    if isForAccount {
      guard self["ss"].contains("b") else { throw .serviceMismatch }
      guard self["srt"].contains(operation.resourceType) else { throw .resourceTypeMismatch }
      return
    }
    let levels: Set<Character> = self["sr"] == "c" ? ["c", "o"] : ["o"]
    guard levels.contains(operation.resourceType), operation != .createContainer else {
      throw .authenticationFailed(
        "The specified signed resource is not allowed for the this resource level")
    }
  }

  private func allows(_ operation: BlobOperation) -> Bool {
    // The properties of a container are its account's, whatever a container's SAS says.
    if operation == .getContainer, !isForAccount { return false }
    return operation.permissions.contains { self["sp"].contains($0) }
  }

  /// The permission to set immutability policies.
  var allowsImmutability: Bool { self["sp"].contains("i") }

  private static func includesLoopback(_ range: String) -> Bool {
    range.split(separator: "-").allSatisfy { $0.hasPrefix("127.") }
  }
}

extension BlobOperation {
  /// `s`ervice, `c`ontainer or `o`bject.
  fileprivate var resourceType: Character {
    switch self {
    case .listContainers, .getAccount: "s"
    case .createContainer, .getContainer, .listBlobs: "c"
    default: "o"
    }
  }

  /// Any of these will do.
  fileprivate var permissions: Set<Character> {
    switch self {
    case .listContainers, .listBlobs: ["l"]
    case .createContainer, .putBlob: ["c", "w"]
    case .getAccount: Set("rwdlacupi")
    case .getContainer, .getBlob, .headBlob, .getBlockList: ["r"]
    case .putBlock, .putBlockList, .setBlobTier: ["w"]
    case .deleteBlob: ["d"]
    }
  }
}
