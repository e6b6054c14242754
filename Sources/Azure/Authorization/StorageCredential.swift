// What opens a storage account. Nothing else in this module knows which kind of credential it is.

internal import HTTP

/// Authorises each attempt of a request, with a header field or with a part of the query.
package struct StorageCredential: Sendable {
  private enum Kind {
    case accountKey(SharedKey)
    case signature(SharedAccessSignature)
  }

  private let kind: Kind

  package init(_ key: AccountKey, of account: String) {
    kind = .accountKey(SharedKey(account: account, key: key))
  }

  package init(_ signature: SharedAccessSignature) {
    kind = .signature(signature)
  }

  /// The request must be complete and dated: an account key signs all of it.
  func authorize(_ request: inout StorageRequest) {
    switch kind {
    case .accountKey(let key): request.headers["Authorization"] = key.authorization(for: request)
    case .signature(let signature): request.signature = signature.query
    }
  }

  /// What the credential allows, as far as it says so itself.
  package var grant: AccessGrant {
    switch kind {
    case .accountKey: .accountKey
    case .signature(let signature): .signature(signature.terms)
    }
  }
}

/// What a credential allows; nothing in it is secret.
package enum AccessGrant: Equatable, Sendable {
  /// Everything.
  case accountKey
  case signature(SignatureTerms)
}

extension AccessGrant {
  /// The kind of credential, within a sentence.
  package var name: String {
    switch self {
    case .accountKey: "the account's key"
    case .signature(let terms): "the \(terms.kind.rawValue)"
    }
  }
}

extension AccessGrant: CustomStringConvertible {
  package var description: String {
    switch self {
    case .accountKey: "an account key"
    case .signature(let terms): "\(terms)"
    }
  }
}

/// How a run gets into the storage account.
package enum StorageAuthentication: String, CaseIterable, Sendable {
  case sharedKey = "shared-key"
  case sas
  case connectionString = "connection-string"
}
