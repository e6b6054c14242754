/// Which backups go: all but the newest few, once they are old enough. Pure: reads no clock and deletes nothing.

/// A backup as the container's listing shows it.
package struct StoredBackup: Equatable, Sendable {
  package let name: ULID
  /// Seconds since 1970 by the store's clock: when the backup was committed.
  package let lastModified: Int

  package init(name: ULID, lastModified: Int) {
    self.name = name
    self.lastModified = lastModified
  }
}

extension StoredBackup: Comparable {
  /// Older first; of the same second, by name, which begins with the time in milliseconds.
  package static func < (one: StoredBackup, other: StoredBackup) -> Bool {
    (one.lastModified, one.name) < (other.lastModified, other.name)
  }
}

package struct RetentionPolicy: Equatable, Sendable {
  /// That many newest backups stay, however old they are.
  package let minimumCount: Int
  package let maximumAge: Duration

  package init(minimumCount: Int, maximumAge: Duration) {
    self.minimumCount = minimumCount
    self.maximumAge = maximumAge
  }

  /// Whether a backup is so old that it goes unless it is among the newest; `now` is in seconds
  /// since 1970.
  func isExpired(_ backup: StoredBackup, at now: Int) -> Bool {
    Duration.seconds(now) - .seconds(backup.lastModified) > maximumAge
  }
}

/// Sees every backup of a container once, in any order, and then says which are to go.
///
/// Its memory is bounded however many there are: it keeps the newest `minimumCount` and the oldest
/// `mostDeletions` expired ones. What is above that, a later run deletes.
package struct RetentionPlan {
  private let policy: RetentionPolicy
  private let recorded: ULID
  private let now: Int
  private let mostDeletions: Int
  /// The newest backups seen so far; its top is the oldest of them.
  private var newest = BoundedHeap<StoredBackup>(by: <)
  /// The oldest backups seen so far that are no longer among the newest; its top is the newest.
  private var oldest = BoundedHeap<StoredBackup>(by: >)

  package private(set) var backupCount = 0
  /// Whether the recorded backup was among those considered.
  package private(set) var sawRecorded = false

  /// `recorded` is never deleted. `now` is in seconds since 1970.
  package init(policy: RetentionPolicy, recorded: ULID, now: Int, mostDeletions: Int) {
    self.policy = policy
    self.recorded = recorded
    self.now = now
    self.mostDeletions = mostDeletions
  }

  package mutating func consider(_ backup: StoredBackup) {
    backupCount += 1
    if backup.name == recorded { sawRecorded = true }
    let pushedOut = newest.insert(backup, keeping: policy.minimumCount)
    guard let pushedOut, pushedOut.name != recorded, policy.isExpired(pushedOut, at: now)
    else { return }
    _ = oldest.insert(pushedOut, keeping: mostDeletions)
  }

  /// The backups to delete, oldest first.
  package func expired() -> [StoredBackup] {
    oldest.elements.sorted()
  }
}

/// A binary heap that holds at most so many elements: those that come last in its order.
private struct BoundedHeap<Element> {
  private(set) var elements: [Element] = []
  private let comesFirst: (Element, Element) -> Bool

  init(by comesFirst: @escaping (Element, Element) -> Bool) {
    self.comesFirst = comesFirst
  }

  /// Returns the element for which there was no room, which may be the new one.
  mutating func insert(_ element: Element, keeping capacity: Int) -> Element? {
    guard elements.count >= capacity else {
      elements.append(element)
      siftUp()
      return nil
    }
    guard let top = elements.first, comesFirst(top, element) else { return element }
    elements[0] = element
    siftDown()
    return top
  }

  private mutating func siftUp() {
    var child = elements.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard comesFirst(elements[child], elements[parent]) else { return }
      elements.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown() {
    var parent = 0
    while true {
      var first = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < elements.count {
        if comesFirst(elements[child], elements[first]) { first = child }
      }
      guard first != parent else { return }
      elements.swapAt(parent, first)
      parent = first
    }
  }
}
