internal import FoundationEssentials

/// Makes the report out of the buckets that a walk found.
struct ReportBuilder {
  /// etcd's bucket of revisions.
  static let revisionBucket = "key"
  static let revisionBucketBytes = Array(revisionBucket.utf8)

  private var report: DatabaseReport

  init(meta: MetaPage) {
    report = DatabaseReport(
      pageSize: meta.pageSize, pageCount: Int(meta.highWaterMark), txid: meta.txid,
      storesFreelist: meta.freelist != MetaPage.noFreelist)
  }

  /// The report, if the buckets are there that etcd makes when it makes a store.
  func finish(pagesInUse: Int) throws(BoltError) -> DatabaseReport {
    for needed in [Self.revisionBucket, "meta"]
    where !report.buckets.contains(where: { $0.name == needed }) {
      throw .notEtcd(missingBucket: needed)
    }
    var report = report
    report.pagesInUse = pagesInUse
    return report
  }

  /// Adds the next top-level bucket.
  mutating func add(_ name: String, records: Int, lastKey: [UInt8]?, findings: [Finding]) {
    report.buckets.append(DatabaseReport.Bucket(name: name, records: records))
    if name == Alarm.bucket { report.alarms = findings.compactMap { Alarm(key: $0.key) } }
    for finding in findings where !finding.isLastKey {
      add(String(decoding: finding.key, as: UTF8.self), finding.value, in: name)
    }
    if name == Self.revisionBucket,
      let last = lastKey ?? findings.first(where: \.isLastKey)?.key
    {
      report.lastRevision = Self.bigEndian(last.prefix(8)) ?? 0
    }
  }

  private mutating func add(_ key: String, _ value: [UInt8], in bucket: String) {
    switch (bucket, key) {
    case ("meta", "consistent_index"): report.consistentIndex = Self.bigEndian(value[...])
    case ("meta", "term"): report.term = Self.bigEndian(value[...])
    case ("meta", "storageVersion"): report.storageVersion = String(decoding: value, as: UTF8.self)
    case ("meta", "scheduledCompactRev"), ("meta", "finishedCompactRev"):
      report.compactRevision = max(report.compactRevision, Self.bigEndian(value.prefix(8)) ?? 0)
    case ("cluster", "clusterVersion"):
      report.clusterVersion = String(decoding: value, as: UTF8.self)
    case ("auth", "authEnabled"): report.isAuthEnabled = value == [1]
    case ("members", _): report.members.append(Self.member(id: key, value))
    default: break
    }
  }

  private static func bigEndian(_ bytes: ArraySlice<UInt8>) -> UInt64? {
    guard bytes.count == 8 else { return nil }
    return bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A member's record is JSON; one that cannot be read still counts as a member.
  private static func member(id: String, _ value: [UInt8]) -> DatabaseReport.Member {
    struct Attributes: Decodable { let name: String? }
    let attributes = try? JSONDecoder().decode(Attributes.self, from: Data(value))
    return DatabaseReport.Member(id: id, name: attributes?.name ?? "")
  }
}
