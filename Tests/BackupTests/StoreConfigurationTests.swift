// What list, download and verify need of the environment: the way to the store, and no more.

import Backup
import Hints
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

  private func warnings(_ changes: [String: String]) throws -> [ConfigurationWarning] {
    let environment = Self.required.merging(changes) { _, changed in changed }
    return try StoreConfiguration(environment: environment) { _ in [] }.warnings
  }

  @Test func `X8: is refused with plain http to another machine, unless that is meant`() throws {
    let url = ["APP_ABS_ENDPOINT": "http://azurite:10000/acct"]
    let told = mistakes(url)
    #expect(told.count == 1)
    #expect(told.first?.hasPrefix("APP_ABS_ENDPOINT: ") == true)
    #expect(told.first?.contains("APP_ABS_ALLOW_HTTP=on") == true)
    let meant = try warnings(url.merging(["APP_ABS_ALLOW_HTTP": "on"]) { one, _ in one })
    #expect(meant.map(\.variable) == ["APP_ABS_ENDPOINT"])
    #expect(try warnings(["APP_ABS_ENDPOINT": "http://127.0.0.1:10000/acct"]).isEmpty)
  }

  @Test func `U13: takes a version of the service, and no date too old for CRC64`() throws {
    #expect(mistakes(["APP_ABS_API_VERSION": "2019-07-07"]).isEmpty)
    #expect(mistakes(["APP_ABS_API_VERSION": "2017-11-09"]).count == 1)
  }

  @Test(arguments: [
    ("APP_BLOB_PREFX", "APP_BLOB_PREFIX"), ("APP_BACKUP_TIME_OUT", "APP_BACKUP_TIMEOUT"),
    ("APP_CLEANER_EXPIRATION_BLOB_TIMES", "APP_CLEANER_EXPIRATION_BLOB_TIME"),
    ("APP_ABS_CAFILE", "APP_ABS_CA_FILE"),
  ])
  func `C8: warns of a misspelt variable, with the nearest name`(name: String, meant: String) throws
  {
    let told = try warnings([name: "secret"])
    #expect(told.map(\.variable) == [name])
    #expect(told.first?.hint.contains(meant) == true)
    #expect(told.first?.text.contains("secret") == false)
  }

  @Test func `C8: names none where none is near`() throws {
    #expect(try warnings(["APP_X": "1"]).first?.hint == "Remove it, or see etcd-backup --help.")
    #expect(try warnings([String(repeating: "APP_", count: 10_000): "1"]).count == 1)
  }

  @Test func `C8: does not warn of what Kubernetes adds for a Service`() throws {
    let told = try warnings([
      "APP_WEB_SERVICE_HOST": "10.0.0.1", "APP_WEB_SERVICE_PORT": "80",
      "APP_WEB_SERVICE_PORT_HTTP": "80", "APP_WEB_PORT": "tcp://10.0.0.1:80",
      "APP_WEB_PORT_80_TCP": "tcp://10.0.0.1:80", "APP_WEB_PORT_80_TCP_ADDR": "10.0.0.1",
      "APPLE": "1",
    ])
    #expect(told.isEmpty)
  }

}
