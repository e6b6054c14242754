// The names of a container in the order of a listing: by their UTF-8 bytes.

/// A sorted list of distinct names; finding and changing it stays quick at 100,000 names.
struct SortedNames: Sendable {
  private(set) var all: [String] = []

  init(_ names: some Sequence<String>) {
    all = names.sorted(by: Self.precedes)
  }

  static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  /// The position of the first name that is not before `name`.
  func position(of name: String) -> Int {
    var low = 0
    var high = all.count
    while low < high {
      let middle = (low + high) / 2
      if Self.precedes(all[middle], name) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  mutating func insert(_ name: String) {
    let position = position(of: name)
    guard position == all.count || !all[position].utf8.elementsEqual(name.utf8) else { return }
    all.insert(name, at: position)
  }

  mutating func remove(_ name: String) {
    let position = position(of: name)
    guard position < all.count, all[position].utf8.elementsEqual(name.utf8) else { return }
    all.remove(at: position)
  }
}
