/// What is inside a sound database of etcd.
package struct DatabaseReport: Equatable, Encodable, Sendable {
  /// One of the top-level buckets.
  package struct Bucket: Equatable, Encodable, Sendable {
    package let name: String
    package let records: Int
  }

  /// A member of the cluster, as of this snapshot.
  package struct Member: Equatable, Encodable, Sendable {
    /// Hexadecimal, as etcdctl prints it.
    package let id: String
    /// Empty for a member that was added but never started.
    package let name: String
  }

  /// Bytes in a page.
  package let pageSize: Int
  /// Pages in the database: the high-water mark.
  package let pageCount: Int
  /// Pages that hold something, the two metas included; the others are free.
  package internal(set) var pagesInUse = 0
  /// The transaction of bbolt that the snapshot shows.
  package let txid: UInt64
  /// Whether the list of free pages is stored and was checked; etcd leaves it out.
  package let storesFreelist: Bool

  /// In the order of the file.
  package internal(set) var buckets: [Bucket] = []
  /// The main revision of the last record in bucket `key`, as `snapshot status` says it; 0 if empty.
  package internal(set) var lastRevision: UInt64 = 0
  /// The newest revision that a compaction was asked for or finished at; 0 if there was none.
  package internal(set) var compactRevision: UInt64 = 0
  /// Index of the last raft entry applied.
  package internal(set) var consistentIndex: UInt64?
  /// Raft term of that entry; etcd 3.5 and later.
  package internal(set) var term: UInt64?
  /// etcd 3.6 and later.
  package internal(set) var storageVersion: String?
  package internal(set) var clusterVersion: String?
  package internal(set) var members: [Member] = []
  package internal(set) var isAuthEnabled = false
  package internal(set) var alarms: [Alarm] = []
  /// Whether there are values that Kubernetes encrypted at rest, or were: some may be in free pages.
  package internal(set) var holdsEncryptedValues = false

  /// Bytes in the database.
  package var byteCount: Int { pageCount * pageSize }

  /// The revision of the store. A compaction may have dropped the newest record, a tombstone, so the
  /// last record alone may say too little.
  package var revision: UInt64 { max(lastRevision, compactRevision) }

  /// Records in all buckets: what `snapshot status` up to etcd 3.5 calls total keys.
  package var totalRecords: Int { buckets.reduce(0) { $0 + $1.records } }

  /// Records in bucket `key`: every revision of every key since the last compaction.
  package var keyRecords: Int { records(in: ReportBuilder.revisionBucket) }

  package var leaseCount: Int { records(in: "lease") }

  package var isOutOfSpace: Bool { alarms.contains { $0.kind == .outOfSpace } }
  package var corruptAlarm: Alarm? { alarms.first { $0.kind == .corrupt } }

  private func records(in bucket: String) -> Int {
    buckets.first { $0.name == bucket }?.records ?? 0
  }
}
