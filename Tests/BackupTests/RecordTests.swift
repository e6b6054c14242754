// What the ConfigMap says of the last success.

import Backup
import SnapshotFile
import Testing

@Suite struct `A record` {
  let record: Record

  init() throws {
    record = Record(
      path: try BackupPath("backups/service-catalog/01ARZ3NDEKTSV4RRFFQ69G5FAV"), size: 20_512,
      sha256: "c41fa2068e5fb0e42176c1482ee4a6d4ac3e34b4e9c66a76aff8b90d16b50f33", revision: 6,
      hasQuorum: false, pages: .off, time: 1_795_339_800, duration: .milliseconds(12_340),
      cluster: ClusterSighting(
        clusterID: 0xcdf8_181e_3277_8d5e, position: RaftPosition(term: 2, index: 17)),
      book: nil)
  }

  @Test func `keeps the path under the key that the predecessor used`() {
    #expect(Record.pathKey == "abs-backup-file-path-from-last-success")
    #expect(record.fields[Record.pathKey] == "backups/service-catalog/01ARZ3NDEKTSV4RRFFQ69G5FAV")
  }

  @Test func `tells size, checksum, revision, time and duration under further keys`() {
    var fields = record.fields
    fields[Record.pathKey] = nil
    #expect(
      fields == [
        "backup-size-bytes-from-last-success": "20512",
        "backup-sha256-from-last-success": record.sha256,
        "backup-snapshot-size-bytes-from-last-success": "20512",
        "backup-snapshot-sha256-from-last-success": record.sha256,
        "backup-encryption-from-last-success": "off",
        "backup-recipients-from-last-success": "",
        "backup-compression-from-last-success": "off",
        "backup-immutable-until-from-last-success": "",
        "backup-etcd-revision-from-last-success": "6",
        "backup-quorum-from-last-success": "no",
        "backup-page-check-from-last-success": "off",
        "backup-page-size-bytes-from-last-success": "",
        "backup-records-from-last-success": "",
        "backup-key-records-from-last-success": "",
        "backup-unchanged-time": "",
        "backup-time-from-last-success": "2026-11-22T09:30:00Z",
        "backup-duration-seconds-from-last-success": "12.340",
        "backup-cluster-id-from-last-success": "cdf8181e32778d5e",
        "backup-raft-term-from-last-success": "2",
        "backup-raft-index-from-last-success": "17",
      ])
  }

  @Test func `C5: has the same few keys whatever was recorded, so that it does not grow`() throws {
    var other = record
    let prefix = String(repeating: "p", count: 900)
    other.path = try BackupPath("backups/\(prefix)/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    other.revision = .max
    other.immutableUntil = 1_800_000_000
    other.size = .max
    other.duration = .seconds(100_000)
    other.encoding = StoredEncoding(
      recipients: ["8f40c5ad"], isCompressed: true, snapshotSize: 20_512, snapshotSHA256: "")
    #expect(Set(other.fields.keys) == Set(record.fields.keys))
  }

  @Test func `tells of the snapshot within an encoded blob, and for whom it is encrypted`() {
    var other = record
    other.encoding = StoredEncoding(
      recipients: ["8f40c5ad", "01234567"], isCompressed: true, snapshotSize: 40_992,
      snapshotSHA256: "abc")
    let fields = other.fields
    #expect(fields["backup-size-bytes-from-last-success"] == "20512")
    #expect(fields["backup-sha256-from-last-success"] == record.sha256)
    #expect(fields["backup-snapshot-size-bytes-from-last-success"] == "40992")
    #expect(fields["backup-snapshot-sha256-from-last-success"] == "abc")
    #expect(fields["backup-encryption-from-last-success"] == "age")
    #expect(fields["backup-recipients-from-last-success"] == "8f40c5ad,01234567")
    #expect(fields["backup-compression-from-last-success"] == "zstd")
  }

  @Test(arguments: [
    (0, "0.000"), (7, "0.007"), (999, "0.999"), (1000, "1.000"), (59_960, "59.960"),
    (3_600_500, "3600.500"),
  ])
  func `counts seconds with three decimals`(milliseconds: Int, text: String) {
    #expect(Duration.milliseconds(milliseconds).secondsText == text)
  }
}

@Suite struct `A timestamp` {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
    (1_795_339_800, "2026-11-22T09:30:00Z"), (4_102_444_799, "2099-12-31T23:59:59Z"),
  ])
  func `is UTC to the second, as RFC 3339 writes it`(seconds: Int, text: String) {
    #expect(Timestamp.format(seconds) == text)
  }

  @Test func `of now is not before the one of a moment ago`() {
    let before = Timestamp.millisecondsNow()
    #expect(Timestamp.secondsNow() >= before / 1000)
    #expect(Timestamp.now() >= Timestamp.format(before / 1000))
    #expect(before > 1_700_000_000_000)
  }
}
