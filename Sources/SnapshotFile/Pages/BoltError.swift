/// What makes a database unsound, or unreadable for us.
package enum BoltError: Error, Equatable {
  /// One of the two pages that describe the file is not what bbolt writes.
  case meta(page: Int, MetaProblem)
  /// The two pages that describe the file do not belong to one snapshot.
  case metasDisagree(newest: UInt64, other: UInt64)
  /// The bytes ended too early; `expected` is what the first page says, if it came through.
  case ended(after: UInt64, expected: UInt64?)
  /// More bytes than the first page says.
  case surplus(expected: UInt64)
  /// A page that the database needs is broken. `bucket` is `nil` for the tree of buckets itself.
  case unsound(page: UInt64, bucket: String?, Defect)
  /// More has to be remembered until the end than there is room for; no figure is given without it.
  case memoryLimitExceeded(page: UInt64, limit: Int)
  /// Sound, but without a bucket that every store of etcd has.
  case notEtcd(missingBucket: String)
  /// A local file could not be read.
  case unreadable(path: String, reason: String)
}

/// What can be wrong with one of the two meta pages.
package enum MetaProblem: Equatable, Sendable {
  case notBolt
  case otherByteOrder
  case checksum
  case version(UInt32)
  case header
  case pageSize(Int)
  case pageCount(UInt64)
  case root(UInt64)
  case freelist(UInt64)
}

extension BoltError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .meta(let page, let problem):
      "the database is unsound: meta page \(page) \(problem)"
    case .metasDisagree(let newest, let other):
      "the database is unsound: its two meta pages are of transactions \(newest) and \(other) "
        + "and do not describe one snapshot"
    case .ended(let after, .some(let expected)):
      "the database ended after \(after) bytes of \(expected)"
    case .ended(let after, nil):
      "the database ended after \(after) bytes, before its first page was complete"
    case .surplus(let expected):
      "the database goes on after the \(expected) bytes that its first page says"
    case .unsound(let page, let bucket, let defect):
      "the database is unsound: page \(page)\(bucket.map { " (bucket \($0))" } ?? "") \(defect)"
    case .memoryLimitExceeded(let page, let limit):
      "the database cannot be judged: up to page \(page), more than \(limit) bytes have to be kept "
        + "about pages of which only the end tells whether they count"
    case .notEtcd(let bucket):
      "the database is not one of etcd's: it has no bucket \(bucket)"
    case .unreadable(let path, let reason):
      "\(path) cannot be read: \(reason)"
    }
  }

  /// What an operator can do about it, whether it comes from a member just now or lies in a file; `nil`
  /// where only another attempt helps.
  package var hint: String? {
    switch self {
    case .meta(_, .otherByteOrder):
      "Was this database written on a big-endian machine? It cannot be checked here."
    case .meta(_, .notBolt), .notEtcd:
      "Is this a snapshot of etcd, as it came, neither compressed nor encrypted?"
    case .meta, .metasDisagree, .unsound:
      "Is the disk or memory of the member that it comes from failing? Use a backup from another "
        + "member, and replace that one."
    case .memoryLimitExceeded:
      "Compact and defragment the member that it comes from, then try again."
    case .ended, .surplus:
      "Was it copied whole, and nothing added?"
    case .unreadable:
      nil
    }
  }
}

extension MetaProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notBolt: "is not one of bbolt's"
    case .otherByteOrder: "is in big-endian byte order"
    case .checksum: "does not match its checksum"
    case .version(let version): "is of version \(version), not 2"
    case .header: "has a header that is not a meta page's"
    case .pageSize(let size): "says a page size of \(size) bytes"
    case .pageCount(let pages):
      "says \(pages) pages, fewer than a database has or more than can be checked"
    case .root(let page): "has its root at page \(page), outside the database"
    case .freelist(let page): "has its freelist at page \(page), outside the database"
    }
  }
}
