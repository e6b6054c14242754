// What libFuzzer calls: whatever pages come, the inspection of a database ends, within its memory, with one
// verdict however the bytes are cut, and with the same one for a file.
//
// An input begins with four bytes: the size of the pieces, the root's page, the page of the stored list of
// free pages (0: none), and nothing yet. Then come the pages behind the metas, each as two bytes that say how
// much of it follows; the rest of it is zeros. So nearly every byte of an input matters. The metas are added
// here, since no mutation would get past their checksums. See https://llvm.org/docs/LibFuzzer.html.

import Foundation
import FuzzSupport
import SnapshotFile
import SnapshotFileTestSupport

/// What an inspection says.
enum Verdict: Equatable {
  case sound(DatabaseReport)
  case refused(BoltError)

  init(_ inspect: () throws(BoltError) -> DatabaseReport) {
    do throws(BoltError) {
      self = .sound(try inspect())
    } catch {
      self = .refused(error)
    }
  }

  /// Feeds a database in pieces, minding the memory.
  init(of database: [UInt8], inPiecesOf size: Int) {
    self.init { () throws(BoltError) in
      var inspection = try DatabaseInspection(of: database)
      let limit = database.count / 4096 * 24 + 1 << 20
      for start in stride(from: 0, to: database.count, by: size) {
        try inspection.update(Array(database[start..<min(start + size, database.count)]))
        demand(inspection.heldByteCount <= limit, "holds \(inspection.heldByteCount) bytes")
      }
      return try inspection.finish()
    }
  }

  /// Inspects a file, whose records are read in their order as well.
  init(ofFile path: String) {
    self.init { () throws(BoltError) in try DatabaseFile(path).inspect().database }
  }
}

@_cdecl("LLVMFuzzerTestOneInput")
func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  guard let database = Input.database(of: input) else { return 0 }
  let whole = Verdict(of: database, inPiecesOf: database.count)
  let cut = Verdict(of: database, inPiecesOf: 1 + Int(input[0]) * 37)
  demand(whole == cut, "in pieces \(cut), but in one \(whole)")
  Scratch.write(database)
  let file = Verdict(ofFile: Scratch.path)
  demand(whole == file, "as a file \(file), but streamed \(whole)")
  if case .refused(let error) = whole {
    demand(error.description.utf8.count < 4096, "an error of \(error.description.utf8.count) bytes")
  }
  return 0
}

/// Puts the seeds into the corpus: the folder named last.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> CInt {
  guard let corpus = Corpus() else { return 0 }
  for (name, seed) in Seed.all {
    let input = Input.of(seed)
    let verdict = Input.database(of: input).map { Verdict(of: $0, inPiecesOf: $0.count) }
    guard case .sound = verdict else { fatalError("seed \(name): \(verdict as Any)") }
    corpus.add(input, named: name)
  }
  return 0
}

/// The one file that all inputs are written to.
enum Scratch {
  static let path = "\(FileManager.default.temporaryDirectory.path)/page-fuzz-\(getpid())"
  private static let descriptor: CInt = {
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    demand(descriptor >= 0, "cannot write \(path)")
    atexit { _ = unsafe unlink(Scratch.path) }
    return descriptor
  }()

  static func write(_ bytes: [UInt8]) {
    let written = unsafe bytes.withUnsafeBytes {
      unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0)
    }
    demand(
      written == bytes.count && ftruncate(descriptor, off_t(bytes.count)) == 0,
      "cannot write \(path)")
  }
}

/// Inputs and the databases they stand for.
enum Input {
  private static let pageSize = 4096
  private static let maximumPages = 64

  /// The database; `nil` if there is none in so few bytes.
  static func database(of input: [UInt8]) -> [UInt8]? {
    guard input.count > 4 else { return nil }
    var builder = DatabaseBuilder(pageSize: pageSize)
    var rest = input[4...]
    while rest.count >= 2, builder.pageCount < maximumPages {
      let count = Int(rest[rest.startIndex]) | Int(rest[rest.startIndex + 1]) << 8
      rest = rest.dropFirst(2)
      let page = rest.prefix(min(count, pageSize))
      rest = rest.dropFirst(page.count)
      builder.raw(page.isEmpty ? [0] : Array(page))
    }
    if input[2] > 0 { builder.freelist = UInt64(input[2]) }
    return builder.pageCount > 2 ? builder.snapshot(root: UInt64(input[1])) : nil
  }

  /// The input that stands for a seed.
  static func of(_ seed: Seed) -> [UInt8] {
    let builder = seed.builder
    let freelist = builder.freelist == .max ? 0 : UInt8(builder.freelist)
    var input = [110, UInt8(seed.root), freelist, 0]
    for start in stride(from: 2 * pageSize, to: builder.bytes.count, by: pageSize) {
      let page = builder.bytes[start..<start + pageSize]
      let count = (page.lastIndex { $0 != 0 } ?? start) - start + 1
      input += [UInt8(truncatingIfNeeded: count), UInt8(count >> 8)] + page.prefix(count)
    }
    return input
  }
}

/// A small sound database.
struct Seed {
  let builder: DatabaseBuilder
  let root: UInt64

  private init(_ make: (inout DatabaseBuilder) -> UInt64) {
    var builder = DatabaseBuilder()
    root = make(&builder)
    self.builder = builder
  }

  static let all: [String: Seed] = ["inline": inline, "tree": tree, "nested": nested, "wide": wide]

  /// Everything in the one page at the root, as in a new store.
  private static let inline = Seed { builder in
    builder.bucketLeaf([
      ("auth", DatabaseBuilder.inline([(Array("authEnabled".utf8), [1])])),
      ("cluster", DatabaseBuilder.inline([(Array("clusterVersion".utf8), Array("3.5.0".utf8))])),
      ("key", DatabaseBuilder.inline([Etcd.put("a", 2), Etcd.tombstone("a", 3)])),
      ("members", DatabaseBuilder.inline([(Array("8e9e05c5".utf8), Array(#"{"name":"m"}"#.utf8))])),
      ("meta", meta),
    ])
  }

  private static let meta = DatabaseBuilder.inline([
    (Array("consistent_index".utf8), Etcd.big(12)),
    (Array("finishedCompactRev".utf8), Etcd.key(1)), (Array("term".utf8), Etcd.big(2)),
  ])

  /// Branches on two levels, a leaf of several pages, stale versions, and a stored list of free pages.
  private static let tree = Seed { builder in
    let stale = builder.leaf([Etcd.put("stale", 1)])
    var leaves: [(key: [UInt8], page: UInt64)] = []
    for leaf in 0..<4 {
      let value = [UInt8](repeating: 0x42, count: leaf == 2 ? 4000 : 1)
      let page = builder.leaf((0..<2).map { Etcd.put("k\($0)", 10 * leaf + $0 + 2, value: value) })
      leaves.append((Etcd.key(10 * leaf + 2), page))
    }
    let old = builder.branch(Array(leaves[0..<3]))
    let left = builder.branch(Array(leaves[0..<2]))
    let right = builder.branch(Array(leaves[2...]))
    let key = builder.branch([(leaves[0].key, left), (leaves[2].key, right)])
    let root = builder.bucketLeaf([("key", DatabaseBuilder.nested(root: key)), ("meta", meta)])
    builder.freelistPage([stale, old])
    return root
  }

  /// Buckets in buckets, with pages of their own and inline.
  private static let nested = Seed { builder in
    let deepest = builder.leaf([(Array("a".utf8), [1]), (Array("b".utf8), [2])])
    let middle = builder.leaf(
      [
        (Array("deep".utf8), DatabaseBuilder.nested(root: deepest)),
        (Array("inline".utf8), DatabaseBuilder.inline([(Array("x".utf8), [3])])),
        (Array("plain".utf8), [4]),
      ], isBucket: { $0 < 2 })
    let leases = builder.leaf((1...3).map { (Etcd.big($0 << 40), [8, 1]) })
    let keys = builder.leaf([Etcd.put("a", 5), Etcd.put("b", 6, 1)])
    return builder.bucketLeaf([
      ("key", DatabaseBuilder.nested(root: keys)), ("lease", DatabaseBuilder.nested(root: leases)),
      ("meta", meta), ("nest", DatabaseBuilder.nested(root: middle)),
    ])
  }

  /// A tree of buckets with a branch at its root, and a branch of two pages: its keys are long.
  private static let wide = Seed { builder in
    let names = ["x", "y", "z"].map { [UInt8](repeating: UInt8(ascii: "w"), count: 1500) + $0.utf8 }
    let leaves = names.map { (key: $0, page: builder.leaf([($0, [1])])) }
    let branch = builder.branch(leaves)
    let first = builder.bucketLeaf([("key", DatabaseBuilder.inline([Etcd.put("k", 3)]))])
    let second = builder.bucketLeaf([("meta", meta), ("w", DatabaseBuilder.nested(root: branch))])
    return builder.branch([(Array("key".utf8), first), (Array("meta".utf8), second)])
  }
}
