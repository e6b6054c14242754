// An account key or a SAS as it is stored outside; where it was rotated during a run, it is read again once.

internal import HTTP

/// Either of the two that no service renews.
enum FixedCredential {
  case accountKey(SharedKey)
  case signature(SharedAccessSignature)

  func authorize(_ request: inout StorageRequest) {
    switch self {
    case .accountKey(let key): request.headers["Authorization"] = key.authorization(for: request)
    case .signature(let signature): request.signature = signature.query
    }
  }

  func isSame(as other: FixedCredential) -> Bool {
    switch (self, other) {
    case (.accountKey(let one), .accountKey(let other)): one == other
    case (.signature(let one), .signature(let other)): one.query == other.query
    default: false
    }
  }

  var grant: AccessGrant {
    switch self {
    case .accountKey: .accountKey
    case .signature(let signature): .signature(signature.terms)
    }
  }
}

final class StoredCredential {
  private(set) var current: FixedCredential
  private var readAgain: (() throws -> StorageCredential)?
  /// Whether the store has accepted a request; before that, a refusal is no rotation.
  private var isAccepted = false
  private var isReplaced = false
  /// What marks the latest requests that were sent since the replacement.
  private var marks: [String] = []

  /// More requests than are ever under way at a time.
  private static let mostMarks = 128

  /// `readAgain` may throw, and may find what is known already.
  init(_ credential: FixedCredential, readAgain: (() throws -> StorageCredential)? = nil) {
    current = credential
    self.readAgain = readAgain
  }

  func authorize(_ request: inout StorageRequest) {
    current.authorize(&request)
    guard isReplaced else { return }
    marks.append(Self.mark(request.headers, request.signature))
    if marks.count > Self.mostMarks { marks.removeFirst() }
  }

  func noteAcceptance() { isAccepted = true }

  /// Whether the refused request can be sent again. However many were refused with what was stored
  /// before, it is read again once.
  func replace(refused request: Request) -> Bool {
    if isReplaced { return !marks.contains { Self.isMark($0, of: request) } }
    guard isAccepted, let readAgain else { return false }
    self.readAgain = nil
    guard let found = (try? readAgain())?.stored?.current, !found.isSame(as: current) else {
      return false
    }
    current = found
    isReplaced = true
    return true
  }

  private static func mark(_ headers: Headers, _ signature: String?) -> String {
    headers["Authorization"] ?? signature ?? ""
  }

  private static func isMark(_ mark: String, of request: Request) -> Bool {
    request.headers["Authorization"] == mark || request.url.hasSuffix(mark)
  }
}
