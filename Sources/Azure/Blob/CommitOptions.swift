// What a commit asks of the store besides making the blob visible: an access tier, and protection from deletion.

internal import HTTP

/// Each is `nil` where it is not asked for.
package struct CommitOptions: Equatable, Sendable {
  package var tier: AccessTier?
  package var immutability: ImmutabilityPolicy?

  package init(tier: AccessTier? = nil, immutability: ImmutabilityPolicy? = nil) {
    self.tier = tier
    self.immutability = immutability
  }

  private static let tierField = "x-ms-access-tier"
  private static let policyFields = "x-ms-immutability-policy-"

  /// Of Put Block List.
  var headerFields: [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = []
    if let tier { fields.append((Self.tierField, tier.rawValue)) }
    if let immutability {
      fields.append((Self.policyFields + "until-date", HTTPDate.format(immutability.until)))
      fields.append((Self.policyFields + "mode", immutability.mode.rawValue))
    }
    return fields
  }
}

/// One thing that a commit may ask for, and that an account may not support.
package enum CommitOption: Sendable {
  case accessTier
  case immutability
}

/// What it costs to store and to read a blob. `Archive` is none of them: a blob there cannot be read.
package enum AccessTier: String, CaseIterable, Sendable {
  case hot = "Hot"
  case cool = "Cool"
  case cold = "Cold"

  /// The first version of the service that knows it.
  package var oldestVersion: ServiceVersion { self == .cold ? .coldTier : .oldest }

  /// Azure bills a blob for this many days, however early it is deleted.
  package var billedDays: Int {
    switch self {
    case .hot: 0
    case .cool: 30
    case .cold: 90
    }
  }
}

/// Until when nothing may change or delete a blob.
package struct ImmutabilityPolicy: Equatable, Sendable {
  package enum Mode: String, CaseIterable, Sendable {
    /// A person who may manage policies can shorten or remove it.
    case unlocked = "Unlocked"
    /// Can only be lengthened, by anyone.
    case locked = "Locked"
  }

  package let mode: Mode
  /// In seconds since 1970.
  package let until: Int

  package init(_ mode: Mode, until: Int) {
    self.mode = mode
    self.until = until
  }
}

// MARK: - What the store makes of them

extension BlobContainer {
  /// Throws where the account or the container says of itself that it lacks one of these. What the
  /// credential may not ask, only the commit shows.
  package func checkSupport(of options: [CommitOption]) throws(AzureError) {
    guard !options.isEmpty else { return }
    let account = try accountInformation()
    if options.contains(.accessTier), account?.isPremium == true {
      throw .optionRefused(
        .accessTier, reason: "\(endpoint.account) is a premium account, which has no access tiers")
    }
    guard options.contains(.immutability) else { return }
    if account?.isHierarchical == true {
      throw .optionRefused(
        .immutability,
        reason: "\(endpoint.account) has a hierarchical namespace, where no blob has a policy")
    }
    if try properties()?.hasVersionLevelImmutability == false {
      throw .optionRefused(
        .immutability, reason: "the container \(name) has no version-level immutability")
    }
  }
}

extension CommitOptions {
  /// The one that the store does not hold the blob with, and what it has in its place.
  func difference(from held: BlobProperties) -> AzureError? {
    if let tier, held.accessTier?.lowercased() != tier.rawValue.lowercased() {
      return .optionRefused(
        .accessTier,
        reason: "it was asked for \(tier.rawValue), and the blob has \(held.accessTier ?? "none")")
    }
    if let immutability,
      held.immutableUntil ?? 0 < immutability.until
        || held.immutabilityMode?.lowercased() != immutability.mode.rawValue.lowercased()
    {
      let policy = held.immutableUntil.map {
        "one that is \(held.immutabilityMode ?? "unlocked") until \(ISO8601.format($0))"
      }
      return .optionRefused(.immutability, reason: "the blob has \(policy ?? "no policy")")
    }
    return nil
  }

  /// The one that made the service refuse a commit, as far as its response tells.
  func cause(of refusal: ServiceError) -> CommitOption? {
    let field = refusal.detail("HeaderName")?.lowercased() ?? ""
    let code = refusal.code ?? ""
    if tier != nil, field == Self.tierField || code.contains("AccessTier") { return .accessTier }
    guard immutability != nil else { return nil }
    if field.hasPrefix(Self.policyFields) { return .immutability }
    // With the same credential the blocks were stored, which takes all else that a commit needs.
    if code == "AuthorizationPermissionMismatch" { return .immutability }
    // What Azure answers where a container has no version-level immutability is not published.
    let isUnknown = !code.isEmpty && ServiceErrorCode.named(code) == nil
    return isUnknown && [400, 409].contains(refusal.status) ? .immutability : nil
  }
}

extension AzureError {
  /// The same, with the option that caused it named where it was one.
  func blamed(on options: CommitOptions) -> AzureError {
    guard case .refused(let refusal, _) = self, let option = options.cause(of: refusal) else {
      return self
    }
    return .optionRefused(option, reason: description)
  }
}
