// What a person may have meant by a name that does not exist.

package enum Spelling {
  /// The candidate that the fewest letters tell apart from `name`; `nil` if those are more than
  /// three, and more than a quarter of it.
  package static func nearest(to name: String, among candidates: [String]) -> String? {
    let nearest = candidates.map { (name: $0, distance: distance(name, $0)) }
      .min { $0.distance < $1.distance }
    guard let nearest, nearest.distance <= max(3, nearest.name.utf8.count / 4) else { return nil }
    return nearest.name
  }

  /// Levenshtein's distance: how many letters must be inserted, removed or replaced.
  private static func distance(_ one: String, _ other: String) -> Int {
    // Whatever is typed, the work stays small.
    let (one, other) = (Array(one.utf8.prefix(100)), Array(other.utf8.prefix(100)))
    var previous = Array(0...other.count)
    for (row, letter) in one.enumerated() {
      var current = [row + 1]
      for column in other.indices {
        let replaced = previous[column] + (letter == other[column] ? 0 : 1)
        current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous.last ?? 0
  }
}
