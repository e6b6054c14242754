/// What list, download and verify need of the environment: the way to the store, and no more.

import Backup
import Testing

@Suite struct `The configuration of the store` {
  static let required = [
    "APP_WORKING_NAMESPACE": "ns", "APP_ABS_SECRET_NAME": "secret",
    "APP_ABS_CONTAINER_NAME": "backups", "APP_BLOB_PREFIX": "prod",
  ]

  private func mistakes(
    _ changes: [String: String?] = [:], needingRecord: Bool = false
  ) -> [String] {
    var environment = Self.required
    for (name, value) in changes { environment[name] = value }
    do throws(ConfigurationError) {
      _ = try StoreConfiguration(environment: environment, needingRecord: needingRecord) { _ in [] }
      return []
    } catch {
      return error.mistakes.map(\.description)
    }
  }

  @Test func `needs no etcd, no record and no retention`() throws {
    let configuration = try StoreConfiguration(environment: Self.required) { _ in [] }
    #expect(configuration.recordConfigMapName == nil)
    #expect(configuration.retention == nil)
    #expect(configuration.blobPrefix == "prod")
  }

  @Test(arguments: required.keys.sorted())
  func `is incomplete without a required variable`(name: String) {
    #expect(mistakes([name: nil]) == ["\(name) is required, but not set"])
  }

  @Test func `is incomplete without a record where that is needed`() {
    #expect(
      mistakes(needingRecord: true)
        == ["APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING is required, but not set"])
    #expect(
      mistakes(["APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING": "record"], needingRecord: true).isEmpty)
  }

  @Test func `knows retention only where both its variables are set`() throws {
    var environment = Self.required
    environment["APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS"] = "3"
    #expect(try StoreConfiguration(environment: environment) { _ in [] }.retention == nil)
    environment["APP_CLEANER_EXPIRATION_BLOB_TIME"] = "1h"
    #expect(
      try StoreConfiguration(environment: environment) { _ in [] }.retention
        == RetentionPolicy(minimumCount: 3, maximumAge: .seconds(3600)))
  }

  @Test func `is not content with wrong values of what it could do without`() {
    let wrong = [
      "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING": "No_Name",
      "APP_CLEANER_EXPIRATION_BLOB_TIME": "soon",
    ]
    let told = mistakes(wrong, needingRecord: true)
    #expect(told.count == 2)
    #expect(zip(told, wrong.keys.sorted()).allSatisfy { $0.hasPrefix($1) })
  }
}
