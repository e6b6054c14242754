/// The lists of children of all branches seen, living and stale.
///
/// Which branches belong to the tree is known only at the end, and bbolt copies on write: a file can
/// hold thousands of stale versions of one branch, each with a hundred children. Kept one by one they
/// would not fit any bound, but one version differs from another only in children that a commit
/// wrote. So a list is kept as its difference from another version's: that of a branch kept before
/// with the same first key. This takes a few bytes for each page that the commit wrote.
struct ChildLists {
  /// Where a list lies; fits into a page's fact.
  typealias Place = UInt32

  /// The lists, each within one chunk. A list is a byte that says how it is kept and how many others
  /// it takes to read it, then numbers of variable length:
  /// - `whole`: how many children, and each as the distance from the one before;
  /// - `replaced`: how far back the other version lies, how many children differ, and each as the
  ///   distance from the last such position, and the page;
  /// - `inserted`: how far back the other version lies, how many children at the beginning and at the
  ///   end are the same, how many are between, and those.
  private var chunks: [[UInt8]] = []
  private enum Form: UInt8 {
    case whole, replaced, inserted
  }

  private static let chunkSize = 1 << 16
  /// How many lists it may take to read one; bounds the time that takes.
  private static let maximumDepth: UInt8 = 63

  /// The latest versions of branches, by their first key. At the left edge of a tree a branch has the
  /// same first key as those above it, hence several.
  private var latest: [UInt64: Latest] = [:]
  private struct Latest {
    var places = [4 of Place](repeating: ChildLists.nowhere)
  }
  private static let nowhere = Place.max

  /// The lists read last: the next list is mostly a version of one of them.
  private var recent: [(place: Place, children: [UInt32])] = []
  private var nextRecent = 0
  private static let recentLimit = 16

  /// Bytes held.
  var byteCount: Int {
    let lists =
      chunks.isEmpty ? 0 : (chunks.count - 1) * Self.chunkSize + chunks[chunks.count - 1].count
    return lists + latest.count * 48
  }

  // MARK: Writing

  /// Keeps the children of a branch whose first key has this fingerprint.
  mutating func store(_ children: [UInt32], firstKey: UInt64) -> Place {
    var versions = latest[firstKey] ?? Latest()
    var best: (index: Int, difference: Difference)?
    for index in versions.places.indices where versions.places[index] != Self.nowhere {
      let difference = Difference(from: recentChildren(at: versions.places[index]), to: children)
      if difference.cost < (best?.difference.cost ?? children.count * 3) {
        best = (index, difference)
      }
    }

    let place: Place
    if let (index, difference) = best, depth(at: versions.places[index]) < Self.maximumDepth {
      place = append(children, difference, from: versions.places[index])
    } else {
      place = append(whole: children)
    }
    // A version takes the place of the one it came from; another branch that of the oldest.
    let slot =
      best?.index
      ?? versions.places.indices.min { versions.places[$0] &+ 1 < versions.places[$1] &+ 1 }
    versions.places[slot ?? 0] = place
    latest[firstKey] = versions
    remember(place, children)
    return place
  }

  /// How a list differs from another version of it.
  private struct Difference {
    /// Positions that differ, if the lists are equally long.
    var replaced: [Int]?
    /// Children that are the same at the beginning and at the end.
    var prefix = 0
    var suffix = 0
    /// About how many bytes it takes.
    let cost: Int

    init(from old: [UInt32], to new: [UInt32]) {
      let shorter = min(old.count, new.count)
      while prefix < shorter, old[prefix] == new[prefix] { prefix += 1 }
      while suffix < shorter - prefix, old[old.count - 1 - suffix] == new[new.count - 1 - suffix] {
        suffix += 1
      }
      let between = (new.count - prefix - suffix) * 3
      guard old.count == new.count else {
        cost = between + 5
        return
      }
      let differing = (prefix..<new.count - suffix).filter { old[$0] != new[$0] }
      if differing.count * 4 <= between { replaced = differing }
      cost = min(differing.count * 4, between) + 3
    }
  }

  private mutating func append(whole children: [UInt32]) -> Place {
    var record = [Form.whole.rawValue << 6]
    record.append(number: UInt64(children.count))
    var previous: UInt32 = 0
    for child in children {
      record.append(distance: Int64(child) - Int64(previous))
      previous = child
    }
    return append(record)
  }

  private mutating func append(
    _ children: [UInt32], _ difference: Difference, from old: Place
  ) -> Place {
    let form = difference.replaced == nil ? Form.inserted : .replaced
    var record = [form.rawValue << 6 | depth(at: old) + 1]
    // The longest record there is decides where this one will lie, hence how far back the other is.
    let place = nextPlace(for: 32 + children.count * 10)
    record.append(number: UInt64(place - old))
    if let replaced = difference.replaced {
      record.append(number: UInt64(replaced.count))
      var previous = 0
      for position in replaced {
        record.append(number: UInt64(position - previous))
        record.append(number: UInt64(children[position]))
        previous = position
      }
    } else {
      let between = difference.prefix..<children.count - difference.suffix
      for count in [difference.prefix, difference.suffix, between.count] {
        record.append(number: UInt64(count))
      }
      for position in between { record.append(number: UInt64(children[position])) }
    }
    chunks[chunks.count - 1] += record
    return place
  }

  private mutating func append(_ record: [UInt8]) -> Place {
    let place = nextPlace(for: record.count)
    chunks[chunks.count - 1] += record
    return place
  }

  /// The place of the next list, in a chunk that has room for so many bytes.
  private mutating func nextPlace(for count: Int) -> Place {
    if chunks.isEmpty || chunks[chunks.count - 1].count + count > Self.chunkSize {
      chunks.append([])
      chunks[chunks.count - 1].reserveCapacity(Self.chunkSize)
    }
    return Place((chunks.count - 1) * Self.chunkSize + chunks[chunks.count - 1].count)
  }

  // MARK: Reading

  /// The list at a place that `store` returned.
  func children(at place: Place) -> [UInt32] {
    let chunk = chunks[Int(place) / Self.chunkSize]
    var reader = NumberReader(chunk, at: Int(place) % Self.chunkSize)
    switch Form(rawValue: reader.byte() >> 6) {
    case .replaced:
      var children = children(at: place - Place(reader.number()))
      var position = 0
      for _ in 0..<reader.number() {
        position += Int(reader.number())
        children[position] = UInt32(reader.number())
      }
      return children
    case .inserted:
      let old = children(at: place - Place(reader.number()))
      let (prefix, suffix) = (Int(reader.number()), Int(reader.number()))
      let between = (0..<reader.number()).map { _ in UInt32(reader.number()) }
      return Array(old.prefix(prefix)) + between + old.suffix(suffix)
    case .whole, nil:
      var child: Int64 = 0
      return (0..<reader.number()).map { _ in
        child += reader.distance()
        return UInt32(child)
      }
    }
  }

  private func depth(at place: Place) -> UInt8 {
    chunks[Int(place) / Self.chunkSize][Int(place) % Self.chunkSize] & 0x3F
  }

  private mutating func recentChildren(at place: Place) -> [UInt32] {
    if let known = recent.first(where: { $0.place == place }) { return known.children }
    let children = children(at: place)
    remember(place, children)
    return children
  }

  private mutating func remember(_ place: Place, _ children: [UInt32]) {
    if recent.count < Self.recentLimit {
      recent.append((place, children))
    } else {
      recent[nextRecent] = (place, children)
      nextRecent = (nextRecent + 1) % Self.recentLimit
    }
  }
}

/// Numbers of variable length: seven bits a byte, the lowest first.
struct NumberReader {
  private let bytes: [UInt8]
  private var offset: Int

  init(_ bytes: [UInt8], at offset: Int) {
    self.bytes = bytes
    self.offset = offset
  }

  mutating func byte() -> UInt8 {
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func number() -> UInt64 {
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = byte()
      number |= UInt64(byte & 0x7F) << shift
      guard byte >= 0x80 else { return number }
      shift += 7
    }
  }

  /// A number that may be negative.
  mutating func distance() -> Int64 {
    let folded = number()
    return Int64(folded >> 1) ^ -Int64(folded & 1)
  }
}

extension [UInt8] {
  fileprivate mutating func append(number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  fileprivate mutating func append(distance: Int64) {
    append(number: UInt64(bitPattern: distance << 1 ^ distance >> 63))
  }
}
