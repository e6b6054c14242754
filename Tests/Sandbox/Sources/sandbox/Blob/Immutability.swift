// The immutability policy of one blob, as Put Block List sets it.

/// Until when a blob can be neither overwritten nor deleted.
struct Immutability: Codable, Sendable, Equatable {
  var until: HTTPDate
  /// `unlocked` or `locked`, as the service writes it.
  var mode: String

  static let dateHeader = "x-ms-immutability-policy-until-date"
  static let modeHeader = "x-ms-immutability-policy-mode"
  static let headers: Set<String> = [dateHeader, modeHeader]
  static let oldestVersion = "2020-06-12"

  func describe(_ answer: inout Answer) {
    answer[Self.dateHeader] = until.description
    answer[Self.modeHeader] = mode
  }
}

extension BlobService {
  /// Both headers or neither, a date to come, and a container that has version-level immutability.
  ///
  /// The service's answer where the container has none is not published: this one has a code of its own.
  func immutability(_ call: Call, in container: String) throws -> Immutability? {
    let (date, mode) = (call[Immutability.dateHeader], call[Immutability.modeHeader])
    guard date != nil || mode != nil else { return nil }
    guard (call["x-ms-version"] ?? "") >= Immutability.oldestVersion else {
      throw BlobError.unsupportedHeader(Immutability.dateHeader)
    }
    guard let date else { throw BlobError.missingHeader(Immutability.dateHeader) }
    guard let mode else { throw BlobError.missingHeader(Immutability.modeHeader) }
    guard let until = HTTPDate(date), until > .now else {
      throw BlobError.invalidHeader(Immutability.dateHeader, date)
    }
    guard ["unlocked", "locked"].contains(mode.lowercased()) else {
      throw BlobError.invalidHeader(Immutability.modeHeader, mode)
    }
    guard try store.account().hierarchical != true else {
      throw BlobError(
        409, "FeatureNotYetSupportedForHierarchicalNamespaceAccounts",
        "FeatureName: Immutability policies of blobs. The feature is not yet supported for hierarchical namespace accounts."
      )
    }
    guard try store.with(container, { try $0.policy().versionLevelImmutability == true }) else {
      throw BlobError(
        409, "SandboxVersionLevelImmutabilityDisabled",
        "The container has no version-level immutability.")
    }
    return Immutability(until: until, mode: mode.lowercased())
  }
}
