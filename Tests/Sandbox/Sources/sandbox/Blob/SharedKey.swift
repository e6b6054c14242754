// Shared Key: proves that a request was signed with the account's key, and not long ago.
//
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key

import Foundation

/// The account and its key.
struct SharedKey: Sendable {
  let account: String
  let bytes: Data

  /// Returns `nil` when `encodedKey` is not base64.
  init?(account: String, encodedKey: String) {
    guard let bytes = Data(base64Encoded: encodedKey), !bytes.isEmpty else { return nil }
    self.account = account
    self.bytes = bytes
  }

  /// The keys that the account has now: those of the file, a list of one or two, or this one alone.
  func accepted(in file: String) throws -> [SharedKey] {
    guard Files.exists(file) else { return [self] }
    let texts = try JSONDecoder().decode([String].self, from: Files.read(file))
    let keys = texts.compactMap { SharedKey(account: account, encodedKey: $0) }
    return keys.isEmpty ? [self] : keys
  }

  /// Throws unless the request carries a right signature and a date within 15 minutes of `now`.
  func verify(_ call: Call, _ target: BlobTarget, now: HTTPDate) throws(BlobError) {
    guard let authorization = call["Authorization"] else { throw .noAuthentication }
    try checkDuplicates(call)
    let words = authorization.split(separator: " ", omittingEmptySubsequences: false)
    let halves = words.count == 2 ? words[1].split(separator: ":", maxSplits: 1) : []
    guard words.first == "SharedKey", halves.count == 2,
      let signature = Data(base64Encoded: String(halves[1]))
    else { throw .invalidAuthentication("expected: SharedKey account:signature") }
    guard halves[0] == account else {
      throw .authenticationFailed("The account '\(halves[0])' is not the account of the URL.")
    }

    let text = stringToSign(call, target)
    guard signature == Digests.authenticationCode(of: text, key: bytes) else {
      throw .authenticationFailed(
        "The MAC signature found in the HTTP request '\(halves[1])' is not the same as any "
          + "computed signature. Server used following string to sign: '\(text)'.")
    }
    try checkDate(call, now: now)
  }

  private func checkDate(_ call: Call, now: HTTPDate) throws(BlobError) {
    guard let text = call["x-ms-date"] ?? call["Date"] else {
      throw .authenticationFailed("Request date header not specified")
    }
    guard let date = HTTPDate(text) else {
      throw .authenticationFailed("Request date header not in the correct format: '\(text)'")
    }
    let age = now.seconds - date.seconds
    guard age <= 15 * 60 else {
      throw .authenticationFailed("Request date header too old: '\(text)'")
    }
    guard age >= -15 * 60 else {
      throw .authenticationFailed("Request date header too far in the future: '\(text)'")
    }
  }

  /// A signed header sent twice has no one value to sign.
  private func checkDuplicates(_ call: Call) throws(BlobError) {
    var seen: Set<String> = []
    for field in call.headers.fields {
      let name = field.key
      guard name.hasPrefix("x-ms-") || Self.slots.contains(name) else { continue }
      guard seen.insert(name).inserted else { throw .invalidHeader(name, field.value) }
    }
  }
}

// The string to sign.
extension SharedKey {
  /// The standard headers in the order of the string to sign, after the verb.
  private static let slots = [
    "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
    "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
  ]

  func stringToSign(_ call: Call, _ target: BlobTarget) -> String {
    let standard = Self.slots.map { name in
      switch name {
      case "content-length" where call[name] == "0": ""
      case "date" where call["x-ms-date"] != nil: ""
      default: call[name] ?? ""
      }
    }
    return ([call.method] + standard).map { $0 + "\n" }.joined()
      + canonicalHeaders(call) + canonicalResource(call, target)
  }

  private func canonicalHeaders(_ call: Call) -> String {
    call.headers.fields
      .filter { $0.key.hasPrefix("x-ms-") }
      .map { (name: $0.key, value: Self.folded($0.value)) }
      .sorted { Self.precedes($0.name, $1.name) }
      .map { "\($0.name):\($0.value)\n" }
      .joined()
  }

  private func canonicalResource(_ call: Call, _ target: BlobTarget) -> String {
    let parameters = Dictionary(grouping: target.query, by: \.name)
      .sorted { $0.key < $1.key }
      .map { name, pairs in "\n\(name):\(pairs.map(\.value).sorted().joined(separator: ","))" }
    return "/\(account)\(call.path)\(parameters.joined())"
  }

  /// Runs of white space become one blank, except between double quotes.
  static func folded(_ value: String) -> String {
    var result = ""
    var isQuoted = false
    var isInRun = false
    for character in value {
      if character == "\"" { isQuoted.toggle() }
      if !isQuoted && character.isWhitespace {
        isInRun = true
        continue
      }
      if isInRun && !result.isEmpty { result.append(" ") }
      isInRun = false
      result.append(character)
    }
    return result
  }

  /// The service's order of header names: `-` counts only to break a tie, `_` comes before digits,
  /// digits before letters.
  static func precedes(_ left: String, _ right: String) -> Bool {
    let first = left.utf8.filter { $0 != UInt8(ascii: "-") }.map(weight)
    let second = right.utf8.filter { $0 != UInt8(ascii: "-") }.map(weight)
    if first != second { return first.lexicographicallyPrecedes(second) }
    for (one, other) in zip(left.utf8, right.utf8) where one != other {
      return other == UInt8(ascii: "-")
    }
    return false
  }

  private static func weight(_ byte: UInt8) -> Int {
    switch byte {
    case UInt8(ascii: "_"): 0
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte)
    default: 256 + Int(byte)
    }
  }
}
