/// A database with every kind of page and yet small, for tests that damage one.
package enum SampleDatabase {
  /// Branches, leaves, long values, nested and inline buckets, free pages.
  package static let file: [UInt8] = {
    var builder = DatabaseBuilder()
    builder.leaf([Etcd.put("stale", 1)])
    var leaves: [(key: [UInt8], page: UInt64)] = []
    for leaf in 0..<6 {
      let value = [UInt8](repeating: 0x42, count: leaf == 3 ? 9000 : 60)
      let page = builder.leaf(
        (0..<3).map { Etcd.put("key-\($0)", 10 * leaf + $0 + 2, value: value) })
      leaves.append((Etcd.key(10 * leaf + 2), page))
    }
    builder.branch(Array(leaves[0..<5]))
    let left = builder.branch(Array(leaves[0..<3]))
    let right = builder.branch(Array(leaves[3...]))
    let key = builder.branch([(leaves[0].key, left), (leaves[3].key, right)])
    let leases = builder.leaf((1...50).map { (Etcd.big($0 << 40), [8, 1]) })
    var buckets = Etcd.buckets(key: DatabaseBuilder.nested(root: key))
    buckets.insert(("lease", DatabaseBuilder.nested(root: leases)), at: 1)
    let root = builder.bucketLeaf(buckets)
    return builder.snapshot(root: root)
  }()
}
