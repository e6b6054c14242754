// How the findings of a preflight become its exit status.

import Azure
import Backup
import Testing

@Suite struct `A preflight` {
  /// One failure for each mistake in an environment that lacks everything but a Secret's name.
  private static let configurationFailures: [Finding] = {
    do throws(ConfigurationError) {
      _ = try Configuration(environment: ["APP_BACKUP_CLIENT_TLS_SECRET": "tls"]) { _ in [] }
      return []
    } catch {
      return Finding.findings(of: error)
    }
  }()

  private static let warning = Preflight.retentionFinding(
    RetentionPolicy(minimumCount: 1, maximumAge: .zero), stored: 1, goingNext: 0)
  private static let pass = Preflight.retentionFinding(
    RetentionPolicy(minimumCount: 3, maximumAge: .zero), stored: 1, goingNext: 0)

  @Test func `succeeds with warnings`() {
    #expect(ExitStatus([]) == .success)
    #expect(ExitStatus([Self.pass, Self.warning]) == .success)
  }

  @Test func `fails for good where somebody must change something`() {
    #expect(Self.configurationFailures.count == 8)
    #expect(Self.configurationFailures.allSatisfy { $0.outcome == .fail && $0.remedy != nil })
    #expect(ExitStatus([Self.pass] + Self.configurationFailures) == .configuration)
  }
}
