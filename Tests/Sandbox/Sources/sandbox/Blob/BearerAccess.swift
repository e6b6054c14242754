// Bearer tokens: whether this sandbox issued them, for whom, and what the roles of that identity allow.
//
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory

import Foundation

/// One token as it arrived with a request.
struct BearerAccess {
  private let token: WebToken
  private let identities: Identities

  /// `nil` where the request carries none.
  init?(
    _ call: Call, key: SharedKey, identities file: String, isEncrypted: Bool, now: HTTPDate
  ) throws {
    let prefix = "Bearer "
    guard let header = call["Authorization"], header.hasPrefix(prefix) else { return nil }
    guard isEncrypted else {
      throw BlobError.authenticationFailed("Authentication scheme Bearer is not allowed with HTTP.")
    }
    guard let token = WebToken(String(header.dropFirst(prefix.count))),
      token.isIssued(withKey: key.bytes)
    else { throw Self.invalid("Signature validation failed. Signature verification failed.") }
    self.token = token
    identities = try Identities(file: file)
    guard let start = token.number("nbf"), let end = token.number("exp"), start <= now.seconds,
      now.seconds < end, token.number("generation") == identities.generation ?? 0
    else { throw Self.invalid("Lifetime validation failed. The token is expired.") }
    guard token.text("aud") == "https://storage.azure.com" else {
      throw Self.invalid("Audience validation failed. Audience did not match.")
    }
    guard token.text("tid") == identities.accountTenant else {
      throw Self.invalid("Issuer validation failed. Issuer did not match.")
    }
  }

  private static func invalid(_ detail: String) -> BlobError {
    BlobError(
      401, "InvalidAuthenticationInfo",
      "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
      [("AuthenticationErrorDetail", detail)])
  }

  /// Throws unless a role allows the operation.
  func verify(_ operation: BlobOperation?, _ target: BlobTarget) throws(BlobError) {
    guard let operation else { return }
    guard actions(in: target).contains(operation.action) else { throw .permissionMismatch }
  }

  /// Whether a role has immutableStorage/runAsSuperUser.
  func isSuperUser(of target: BlobTarget) -> Bool {
    actions(in: target).contains("runAsSuperUser")
  }

  private func actions(in target: BlobTarget) -> [String] {
    let client = identities.tenants[identities.accountTenant]?[token.text("appid") ?? ""]
    return client?.roles?[target.container ?? ""] ?? []
  }
}

extension BlobOperation {
  /// The last part of the data action that the operation needs.
  fileprivate var action: String {
    switch self {
    case .listBlobs, .getBlob, .headBlob, .getBlockList, .getContainer: "read"
    case .putBlob, .putBlock, .putBlockList, .setBlobTier: "write"
    case .deleteBlob: "delete"
    case .listContainers, .createContainer, .getAccount: "manage"
    }
  }
}
