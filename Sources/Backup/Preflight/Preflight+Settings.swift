// What the preflight tells of settings that are worth a look, before anything is contacted.

internal import Azure
internal import Encoding

extension Preflight {
  func tellOfSettings() {
    tellOfEncoding()
    if configuration.skipsUnchanged { tellOfSkipping() }
    Self.commitFindings(configuration.commit, configuration.retention).forEach(add)
  }

  private func tellOfEncoding() {
    let encoding = configuration.encoding
    if let level = encoding.compression {
      add(.pass, "compression", "zstd, level \(level.number)")
    }
    guard !encoding.recipients.isEmpty else { return }
    let fingerprints = encoding.recipients.map(\.fingerprint).joined(separator: ", ")
    add(
      .pass, "encryption",
      "backups are encrypted for \(fingerprints); without an identity of one of them no backup can be "
        + "restored: keep it outside this cluster, where it can be found")
  }

  private func tellOfSkipping() {
    let subject = "unchanged cluster"
    guard configuration.credentialsPlace != nil else {
      return add(
        .pass, subject, "a run takes no backup where nothing was written since the last one")
    }
    add(
      .warn, subject,
      "every run takes a backup: to sign in as a user with a password is an entry in etcd's log",
      remedy: "Use a client certificate alone, or remove APP_BACKUP_SKIP_UNCHANGED.")
  }

  /// What a person should know of what the commits ask for.
  package static func commitFindings(
    _ settings: CommitSettings, _ retention: RetentionPolicy
  ) -> [Finding] {
    let age = "\(retention.maximumAge.components.seconds / 3600) h"
    var findings: [Finding] = []
    if let tier = settings.tier {
      let isBilledLonger = retention.maximumAge < .seconds(tier.billedDays * 86_400)
      let text = "new backups are stored in the tier \(tier.rawValue)"
      findings.append(
        isBilledLonger
          ? Finding(
            .warn, "access tier",
            text
              + ", which Azure bills for \(tier.billedDays) days; retention may delete them after "
              + age,
            remedy: "Compare the price with that of the tier Hot.")
          : Finding(.pass, "access tier", text))
    }
    switch settings.immutability {
    case nil: break
    case .unlocked?:
      findings.append(
        Finding(
          .pass, "immutability",
          "for \(age) the store refuses to delete a new backup, unless a person who may manage policies "
            + "shortens its own"))
    case .locked?:
      findings.append(
        Finding(
          .warn, "immutability",
          "for \(age) the store refuses to delete a new backup, its container or the account; no one "
            + "can shorten that, and all of it is billed until then",
          remedy: "Use APP_ABS_IMMUTABILITY=unlocked unless this is meant."))
    }
    return findings
  }
}
