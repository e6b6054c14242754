// A signature that does not match, whichever code the service has for it.

extension ServiceError {
  /// Azurite and some stores say `AuthorizationFailure`, which is Azure's code for its firewall, where
  /// Azure itself says `AuthenticationFailed`. The message's own words decide.
  var hintOnSignature: String? {
    guard status == 403, code == "AuthorizationFailure", !isClockSkew, let message,
      ["failed to authenticate", "signature"].contains(where: message.lowercased().contains)
    else { return nil }
    return "is storage-key one of the current keys of the account that storage-account names? "
      + "it may have been rotated"
  }
}
