// What opens a storage account. Nothing else in this module knows which kind of credential it is.

internal import HTTP

/// Authorises each attempt of a request, with a header field or with a part of the query.
package struct StorageCredential {
  private enum Kind {
    case stored(StoredCredential)
    case token(TokenSource)
  }

  private let kind: Kind

  package init(_ key: AccountKey, of account: String) {
    kind = .stored(StoredCredential(.accountKey(SharedKey(account: account, key: key))))
  }

  package init(_ signature: SharedAccessSignature) {
    kind = .stored(StoredCredential(.signature(signature)))
  }

  package init(_ tokens: TokenSource) {
    kind = .token(tokens)
  }

  private init(_ stored: StoredCredential) {
    kind = .stored(stored)
  }

  /// The same, but where the store refuses in the middle of a run what it accepted before, `read` is
  /// called once. A token needs no such thing.
  package func readAgain(by read: @escaping () throws -> StorageCredential) -> StorageCredential {
    stored.map { StorageCredential(StoredCredential($0.current, readAgain: read)) } ?? self
  }

  /// `nil` for tokens.
  var stored: StoredCredential? {
    if case .stored(let stored) = kind { stored } else { nil }
  }

  /// The request must be complete and dated: an account key signs all of it. Where a token is needed
  /// and there is none, this waits for one.
  func authorize(_ request: inout StorageRequest) throws(AzureError) {
    switch kind {
    case .stored(let stored): stored.authorize(&request)
    case .token(let tokens): request.headers["Authorization"] = try tokens.authorization()
    }
  }

  /// The store has accepted the request.
  func noteAcceptance(of request: Request) {
    switch kind {
    case .stored(let stored): stored.noteAcceptance()
    case .token(let tokens): tokens.noteAcceptance(of: request.headers["Authorization"])
    }
  }

  /// Whether the refused request can be sent again with another credential.
  func replace(after refusal: ServiceError, of request: Request) -> Bool {
    guard refusal.status == 401 || refusal.code == "AuthenticationFailed" else { return false }
    return switch kind {
    case .stored(let stored): stored.replace(refused: request)
    case .token(let tokens): tokens.replace(refused: request.headers["Authorization"])
    }
  }

  /// What is known of the token that requests carry; `nil` where they carry none yet.
  package var token: TokenTerms? {
    if case .token(let tokens) = kind { tokens.terms } else { nil }
  }

  /// What the credential allows, as far as it says so itself.
  package var grant: AccessGrant {
    switch kind {
    case .stored(let stored): stored.current.grant
    case .token(let tokens): .token(tokens.identity.name)
    }
  }
}

/// What a credential allows; nothing in it is secret.
package enum AccessGrant: Equatable, Sendable {
  /// Everything.
  case accountKey
  case signature(SignatureTerms)
  /// Whatever the roles of the identity allow.
  case token(IdentityName)
}

extension AccessGrant {
  /// The kind of credential, within a sentence.
  package var name: String {
    switch self {
    case .accountKey: "the account's key"
    case .signature(let terms): "the \(terms.kind.rawValue)"
    case .token(let identity): identity.kind
    }
  }
}

extension AccessGrant: CustomStringConvertible {
  package var description: String {
    switch self {
    case .accountKey: "an account key"
    case .signature(let terms): "\(terms)"
    case .token(let identity): "\(identity)"
    }
  }
}

/// How a run gets into the storage account.
package enum StorageAuthentication: String, CaseIterable, Sendable {
  case sharedKey = "shared-key"
  case sas
  case connectionString = "connection-string"
  case workloadIdentity = "workload-identity"
  case managedIdentity = "managed-identity"
  case servicePrincipal = "service-principal"
}
