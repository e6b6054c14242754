// What the store is to do with a backup: its access tier, and until when it may not be deleted.

package import Azure

package struct CommitSettings: Sendable {
  package let tier: AccessTier?
  package let immutability: ImmutabilityPolicy.Mode?

  /// A clock that is behind must not make the end of a policy a time that is past.
  private static let shortestProtection = Duration.seconds(3600)

  /// `nil` only after a complaint. `store` is `nil` after one of its own.
  init?(_ reader: inout EnvironmentReader, _ store: StoreConfiguration?) {
    let tier = reader.optional(.accessTier, ConfigurationValue.accessTier)
    let immutability = reader.required(.immutability, ConfigurationValue.immutability)
    guard let immutability else { return nil }
    self.tier = tier
    self.immutability = immutability.mode
    guard let store else { return }
    if let tier, store.storageVersion.isOlder(than: tier.oldestVersion) {
      reader.complain(
        .accessTier,
        InvalidValue(
          tier.rawValue.lowercased(),
          expected: "known to APP_ABS_API_VERSION \(store.storageVersion): set "
            + "\(tier.oldestVersion) or a later one"))
    }
    guard let mode = immutability.mode?.rawValue.lowercased() else { return }
    if store.storageVersion.isOlder(than: .immutability) {
      reader.complain(
        .immutability,
        InvalidValue(
          mode,
          expected: "known to APP_ABS_API_VERSION \(store.storageVersion): set "
            + "\(ServiceVersion.immutability) or a later one"))
    }
    if let retention = store.retention, retention.maximumAge < Self.shortestProtection {
      reader.complain(
        .immutability,
        InvalidValue(
          mode,
          expected:
            "of any use with an APP_CLEANER_EXPIRATION_BLOB_TIME below 1h, which is the age "
            + "until which it protects a backup"))
    }
  }

  var options: [CommitOption] {
    (tier == nil ? [] : [.accessTier]) + (immutability == nil ? [] : [.immutability])
  }

  /// Of a commit at `now`, in seconds since 1970.
  ///
  /// The policy ends at the first moment at which retention may delete the backup: later, retention
  /// would run into it, and how long the newest N stay is not known yet.
  func options(at now: Int, _ retention: RetentionPolicy) -> CommitOptions {
    CommitOptions(
      tier: tier,
      immutability: immutability.map {
        ImmutabilityPolicy($0, until: retention.expiration(ofBackupWrittenAt: now))
      })
  }
}

/// A value of its own, since `off` is one as well.
struct ImmutabilitySetting {
  let mode: ImmutabilityPolicy.Mode?
}

extension ConfigurationValue {
  static func accessTier(_ text: String) throws(InvalidValue) -> AccessTier {
    let wanted = text.lowercased()
    if let tier = AccessTier.allCases.first(where: { $0.rawValue.lowercased() == wanted }) {
      return tier
    }
    throw InvalidValue(
      text,
      expected: wanted == "archive"
        ? "a tier for backups: nothing in it can be read without hours of waiting; set cold"
        : "hot, cool or cold")
  }

  static func immutability(_ text: String) throws(InvalidValue) -> ImmutabilitySetting {
    let wanted = text.lowercased()
    if wanted == "off" { return ImmutabilitySetting(mode: nil) }
    for mode in ImmutabilityPolicy.Mode.allCases where mode.rawValue.lowercased() == wanted {
      return ImmutabilitySetting(mode: mode)
    }
    throw InvalidValue(text, expected: "off, unlocked or locked")
  }
}
