/// What is wrong with a page.
///
/// Twelve bytes, so that a defect fits into the facts kept of its page until it is known whether
/// the page belongs to the database at all.
package struct Defect: Error, Equatable, Sendable {
  package enum Kind: UInt32, Sendable {
    case noNode, flags, tooManyElements, reachesBeyondDatabase
    case elementFlags, keySize, keyPosition, dataBeyondNode, span, keysNotAscending
    case child, childDisagrees, unevenChildren, bucket, inlineBucket
    case empty, keysDisagree, keysOverlap, usedTwice, tooDeep
    case record, recordAmongBuckets, freeButUsed, neitherFreeNorUsed, freelist
  }

  package let kind: Kind
  /// The element of the page it is about, from 0, where `kind` is about one.
  package let element: UInt32
  /// Another page that it is about, where `kind` is about one.
  package let other: UInt32

  init(_ kind: Kind, element: Int = 0, other: UInt64 = 0) {
    self.kind = kind
    self.element = UInt32(truncatingIfNeeded: element)
    self.other = UInt32(clamping: other)
  }
}

extension Defect: CustomStringConvertible {
  package var description: String {
    switch kind {
    case .noNode: "has a header that is of another page"
    case .flags: "is neither a branch nor a leaf"
    case .tooManyElements: "has more elements than fit into it"
    case .reachesBeyondDatabase: "reaches beyond the end of the database"
    case .elementFlags: "has unknown flags in element \(element)"
    case .keySize: "has a key of an impossible size in element \(element)"
    case .keyPosition: "has the key of element \(element) out of place"
    case .dataBeyondNode: "has element \(element) reach beyond the page's end"
    case .span: "spans more or fewer pages than its elements fill"
    case .keysNotAscending:
      "has a key in element \(element) that does not sort after the one before"
    case .child: "has a child outside the database in element \(element)"
    case .childDisagrees: "disagrees with its child, page \(other), about that page's first key"
    case .unevenChildren: "has both leaves and branches below it"
    case .bucket: "has a bucket in element \(element) whose root is outside the database"
    case .inlineBucket: "has a broken inline bucket in element \(element)"
    case .empty: "is empty"
    case .keysDisagree: "disagrees with one of its children about that page's first key"
    case .keysOverlap: "has keys that do not all sort before those of page \(other)"
    case .usedTwice: "is used by more than one page"
    case .tooDeep: "lies deeper in the tree than bbolt builds it"
    case .record: "holds a record that is not a revision of a key"
    case .recordAmongBuckets: "holds a record where only buckets can be"
    case .freeButUsed: "is in the list of free pages, but also in use"
    case .neitherFreeNorUsed: "is neither in use nor in the list of free pages"
    case .freelist: "is not a sound list of free pages (entry \(element))"
    }
  }
}
