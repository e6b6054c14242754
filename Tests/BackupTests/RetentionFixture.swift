// What the tests of histories and retention are made of.

import Azure
import Backup
import Testing

enum RetentionFixture {
  static let now = 1_800_000_000
  static let day = 86_400
  static let lineage = name(1, at: 1_600_000_000)
  static let other = name(2, at: 1_600_000_000)

  static func name(_ number: Int, at time: Int) -> ULID {
    ULID(milliseconds: UInt64(time) * 1000, randomHigh: 0, randomLow: UInt64(number))
  }

  static func path(_ name: ULID) throws -> BackupPath {
    try BackupPath(container: ContainerName("backups"), prefix: "prod", name: name)
  }

  static func cluster(_ id: UInt64, _ term: UInt64, _ index: UInt64) -> ClusterSighting {
    ClusterSighting(clusterID: id, position: RaftPosition(term: term, index: index))
  }

  /// A backup that was written this many days ago, of this history of our lineage.
  static func backup(
    _ number: Int, daysOld: Int, of history: ULID? = nil, in lineage: ULID = lineage,
    modifiedDaysAgo: Int? = nil, oddity: StoredBackup.Oddity? = nil
  ) -> StoredBackup {
    let written = now - daysOld * day
    return StoredBackup(
      name: name(number, at: written), written: written,
      lastModified: modifiedDaysAgo.map { now - $0 * day } ?? written, etag: nil,
      origin: history.map { .history($0, lineage: lineage) } ?? .unknown, oddity: oddity)
  }

  static func history(
    _ name: ULID, cluster: UInt64 = 7, endedDaysAgo: Int? = nil, spanDays: Int = 1
  ) -> History {
    let last = now - (endedDaysAgo ?? 0) * day
    return History(
      name: name, clusterID: cluster, first: RaftPosition(term: 2, index: 10),
      newest: RaftPosition(term: 2, index: 1000), newestBackup: name,
      firstTime: last - spanDays * day, lastTime: last,
      endTime: endedDaysAgo.map { now - $0 * day })
  }
}
